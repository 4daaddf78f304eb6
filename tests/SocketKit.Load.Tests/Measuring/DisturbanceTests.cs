using SocketKit.Load.Measuring;

namespace SocketKit.Load.Tests.Measuring;

public class DisturbanceTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(0.0)]
    [InlineData(0.1)]
    public void A_quiet_machine_needs_no_warning(double? share)
    {
        Disturbance.Warning(share).Should().BeEmpty();
    }

    [Fact]
    public void A_busy_machine_is_told_of()
    {
        Disturbance.Warning(0.5).Should().ContainSingle().Which.Should().StartWith("Other programs took 50").And.Contain("not to be trusted");
    }
}
