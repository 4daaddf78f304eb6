using Microsoft.Extensions.Time.Testing;
using SocketKit.Connections;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>A delay that can be ended.</summary>
public class InlineDelayTests
{
    [Fact]
    public async Task A_cancellation_beside_the_beginning_of_a_wait_is_never_lost()
    {
        var time = new FakeTimeProvider();
        using var both = new Barrier(2);
        var waited = 0;
        for (var round = 0; round < 2_000; round++)
        {
            var delay = new InlineDelay(time);
            var cancel = Task.Run(() =>
            {
                both.SignalAndWait(TestBed.Patience).Should().BeTrue();
                delay.Cancel();
            });
            both.SignalAndWait(TestBed.Patience).Should().BeTrue();
            waited += await delay.WaitAsync(TimeSpan.FromDays(1)).AsTask().WaitAsync(TestBed.Patience) ? 1 : 0;
            await cancel.WaitAsync(TestBed.Patience);
        }

        waited.Should().Be(0);
    }
}
