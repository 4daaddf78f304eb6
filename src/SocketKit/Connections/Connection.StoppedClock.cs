using SocketKit.Clock;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// The end of a connection takes at most CloseTimeout. In a test with virtual time somebody must let that time pass; where nobody does, the
// connection is aborted, and says for what it waited.
internal sealed partial class Connection
{
    /// <summary>For what the connection waited when a test's clock stood still, and what to do about it; null if that did not
    /// happen.</summary>
    internal string? WaitedFor => Volatile.Read(ref _extras)?.WaitedFor;

    /// <summary>A test's clock stands still: ends the connection, with a message.</summary>
    internal void ClockStandsStill()
    {
        var text = $"Connection {Id} to {this}: {DescribeWait()}, "
            + $"and the test's clock has stood still for {StoppedClock.Patience.TotalSeconds:0} s of real time, "
            + "so the connection was aborted. "
            + "Let time pass meanwhile: var closing = client.DisposeAsync(); network.Advance(TimeSpan.FromSeconds(2), time.Advance); "
            + "await closing; (for a server's stop as long as its DrainTimeout). "
            + "Or first heal the black hole, dispose of the raw transport, or let the handler return";
        try
        {
            // Before the end, so that whoever waits for the end finds the line.
            bool isFirst;
            using (_lock.Enter())
            {
                isFirst = Extras.WaitedFor is null;
                Extras.WaitedFor ??= text;
            }

            if (isFirst)
            {
                Log.ClockStandsStill(_settings.Logger, text);
            }
        }
        finally
        {
            AbortForStop();
        }
    }

    private void WatchClock() => StoppedClock.Watch(_settings.TimeProvider, () => Closed, ClockStandsStill);

    private string DescribeWait()
    {
        using (_lock.Enter())
        {
            return (_life.IsClosing, _life.IsReleased) switch
            {
                (false, _) when _requests is { Waiting: > 0 and var count } && !_handlers.IsBusy =>
                    $"{count} of its requests wait for a response",
                (false, _) or (_, true) => $"its handler ({HandlerName}) has not returned",
                _ when !_sends.IsOver => $"the peer has not taken the last {_sends.Queued} bytes",
                _ => "the peer has not sent its end",
            };
        }
    }
}
