using SocketKit.Load.Driving;

namespace SocketKit.Load.Tests.Driving;

public class OtherProgramsTests
{
    [Fact]
    public void Busy_is_what_is_neither_idle_nor_an_interrupt()
    {
        OtherPrograms.Parse("cpu  100 20 300 9000 800 7 60 5 0 0").Should().Be(TimeSpan.FromSeconds(4.25));
    }
}
