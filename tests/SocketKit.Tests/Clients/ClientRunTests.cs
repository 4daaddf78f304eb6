using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Clients;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Clients;

public class ClientRunTests
{
    private readonly ClientRun _run = new(new WatchedTime(), new ReconnectSchedule(null, NullLogger.Instance), default);

    [Fact]
    public void A_lost_connection_ends_a_run_that_does_not_reconnect()
    {
        _run.Lose(isLast: true);

        (_run.IsEnding, _run.IsCanceled).Should().Be((true, false));
    }

    [Fact]
    public void A_run_that_reconnects_goes_on()
    {
        _run.Lose(isLast: false);

        (_run.IsEnding, _run.IsCanceled).Should().Be((false, false));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_run_that_is_canceled_stays_so(bool lostBefore)
    {
        if (lostBefore)
        {
            _run.Lose(isLast: true);
        }

        _run.Cancel(null);
        _run.Lose(isLast: true);

        (_run.IsEnding, _run.IsCanceled).Should().Be((true, true));
    }

    [Fact]
    public void The_first_detail_of_a_cancellation_is_the_reason()
    {
        _run.Cancel("closing time");
        _run.Cancel("again");

        _run.CancelReason.ToString().Should().Contain("closing time");
    }

    [Fact]
    public async Task Canceling_ends_a_delay_when_it_is_unblocked_and_all_later_ones()
    {
        var delay = _run.Delay.WaitAsync(TimeSpan.FromHours(1)).AsTask();
        _run.Cancel(null);
        delay.IsCompleted.Should().BeFalse();

        _run.Unblock();

        (await delay.WaitAsync(TestBed.Patience)).Should().BeFalse();
        (await _run.Delay.WaitAsync(TimeSpan.FromHours(1)).AsTask().WaitAsync(TestBed.Patience)).Should().BeFalse();
    }
}
