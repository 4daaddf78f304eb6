namespace SocketKit.Clock;

/// <summary>
/// Ends waits for a test's clock that nobody advances, so that a test goes on with a message instead of hanging. It looks at real time, and
/// only where the clock is not the system's: a clock that has not moved for
/// <see cref="Patience"/> is a test's, and its test waits for what only this clock can bring about.
/// </summary>
internal static class StoppedClock
{
    /// <summary>Real time.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Watches a wait.</summary>
    /// <param name="time">The clock.</param>
    /// <param name="over">The wait; asked for only where the clock can stand still.</param>
    /// <param name="stands">Called once, when the clock stands still before the wait is over.</param>
    public static void Watch(TimeProvider time, Func<Task> over, Action stands)
    {
        if (time != TimeProvider.System)
        {
            _ = WatchAsync(time, over(), stands);
        }
    }

    private static async Task WatchAsync(TimeProvider time, Task over, Action stands)
    {
        while (true)
        {
            var before = time.GetTimestamp();
            await over.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (over.IsCompleted)
            {
                return;
            }

            if (time.GetTimestamp() == before)
            {
                stands();
                return;
            }
        }
    }
}
