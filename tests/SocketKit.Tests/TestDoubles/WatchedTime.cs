using Microsoft.Extensions.Time.Testing;

namespace SocketKit.Tests.TestDoubles;

/// <summary>Virtual time that tells when a timer is made, so that a test does not advance it too early.</summary>
internal sealed class WatchedTime : FakeTimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<TimeSpan> _dues = [];
    private TaskCompletionSource _made = New();

    /// <summary>How far the system's clock is off: somebody set it.</summary>
    public TimeSpan SystemClockChange { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + SystemClockChange;

    public override long GetTimestamp() => base.GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        TaskCompletionSource made;
        lock (_gate)
        {
            _dues.Add(dueTime);
            (made, _made) = (_made, New());
        }

        made.SetResult();
        return timer;
    }

    /// <summary>Waits until so many timers for this time have been made.</summary>
    public async Task MadeAsync(TimeSpan due, int count = 1)
    {
        while (true)
        {
            Task made;
            lock (_gate)
            {
                if (_dues.Count(other => other == due) >= count)
                {
                    return;
                }

                made = _made.Task;
            }

            await made.WaitAsync(TestBed.Patience);
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
