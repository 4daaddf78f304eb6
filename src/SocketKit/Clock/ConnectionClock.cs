using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Clock;

/// <summary>
/// Ticks the connections of one server or client every 100 ms, but for those at rest: one clock, no timer per connection and none per
/// message. Also keeps the liveness time, which leaves out gaps in which the process did not run (suspended, starved, or a test's clock
/// that jumps): a tick more than a second late moves it not at all, so nobody is taken for dead for our own absence. A connection whose
/// policy or wire holds a tick up is left out until that call returns; the others' time goes on.
/// </summary>
internal sealed class ConnectionClock : OwnerMetrics.IHoldings
{
    public static readonly TimeSpan Interval = Ticker.Interval;

    /// <summary>Half of the shortest heartbeat interval that is worth having, 2 s.</summary>
    private static readonly TimeSpan MostLateness = TimeSpan.FromSeconds(1);

    /// <summary>A call that lasts for so many ticks has its connection left out.</summary>
    private const int TicksOfPatience = 3;

    /// <summary>
    /// So many calls of one server or client may be held up at a time, each with a thread. With one more, its time stands still until one
    /// of them comes back.
    /// </summary>
    private const int MostLeftOut = 16;

    /// <summary>From when on a connection is left out to when the log says so.</summary>
    private static readonly TimeSpan BlamedAfter = TimeSpan.FromSeconds(1.5);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly OwnerMetrics _metrics;
    private readonly CoarseTime _coarse;
    private readonly ClockPlaces _places = new();

    /// <summary>Connections of which a call does not return. Under the lock.</summary>
    private readonly Dictionary<ITicked, LeftOut> _leftOut = [];
    private volatile int _left;

    // Under the lock.
    private Round? _round;
    private Round? _idle;
    private bool _failed;
    private IDisposable? _ticks;
    private long _last;
    private long _alive;

    /// <param name="time">The clock of the server or client.</param>
    /// <param name="logger">Where it logs.</param>
    /// <param name="metrics">Whose connections these are.</param>
    /// <param name="coarse">Told the time at each tick.</param>
    public ConnectionClock(TimeProvider time, ILogger logger, OwnerMetrics metrics, CoarseTime coarse)
    {
        _time = time;
        _logger = logger;
        _metrics = metrics;
        _coarse = coarse;
    }

    public void Add(ITicked connection)
    {
        lock (_lock)
        {
            _places.Add(connection);
            if (_ticks is null)
            {
                try
                {
                    _coarse.Now = _last = Now;
                    _ticks = _time == TimeProvider.System
                        ? SystemTicker.Subscribe(Tick, _logger)
                        : _time.CreateTimer(_ => Tick(), null, Interval, Interval);
                }
                catch
                {
                    // A clock of somebody else's gave no timer: it is asked again for the next connection.
                    _places.Remove(connection);
                    throw;
                }

                _metrics.Add(this);
                return;
            }
        }

        if (_time == TimeProvider.System)
        {
            SystemTicker.Ensure();
        }
    }

    /// <summary>Takes a connection out; without any the clock stops.</summary>
    public void Remove(ITicked connection)
    {
        IDisposable? ticks = null;
        lock (_lock)
        {
            if (_places.Remove(connection) && _places.IsEmpty)
            {
                (ticks, _ticks) = (_ticks, null);
                _metrics.Remove(this);
            }
        }

        try
        {
            ticks?.Dispose();
        }
#pragma warning disable CA1031 // A timer of somebody else's: the end of a connection does not depend on it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ClockFailed(_logger, _time.GetType().Name, exception);
        }
    }

    private long Now => MonotonicTime.Now(_time);

    /// <summary>What all connections hold now, at rest or not, for gauges. Who comes or goes meanwhile may be left out.</summary>
    (long QueuedBytes, long Buffers) OwnerMetrics.IHoldings.Survey()
    {
        var sum = (QueuedBytes: 0L, Buffers: 0L);
        var some = new ITicked?[ClockPlaces.BlockLength];
        for (var block = 0; Take(block, long.MaxValue, some) is var count and >= 0; block++)
        {
            foreach (var connection in some.AsSpan(0, count))
            {
                var (queued, buffers) = connection!.Holdings;
                sum = (sum.QueuedBytes + queued, sum.Buffers + buffers);
            }
        }

        return sum;
    }

    /// <summary>One round of all connections; calls that overlap are the same clock's later ticks.</summary>
    private void Tick()
    {
        try
        {
            if (TryBegin(out var round))
            {
                Run(round);
            }

            _failed = false;
        }
#pragma warning disable CA1031 // A clock of somebody else's that throws: this tick is left out, and whoever calls it goes on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (!_failed)
            {
                _failed = true;
                Log.ClockFailed(_logger, _time.GetType().Name, exception);
            }
        }
    }

    /// <returns>False: the last round is still under way, and gets on.</returns>
    private bool TryBegin([NotNullWhen(true)] out Round? round)
    {
        round = null;
        List<(ITicked, string)>? blamed = null;
        lock (_lock)
        {
            // First: a clock of somebody else's may throw, and then nothing is done.
            var now = Now;
            if (_round is { } running)
            {
                if (!running.Calls.IsHeldUp(TicksOfPatience, TicksOfPatience * Interval / 2)
                    || _left >= MostLeftOut
                    || !running.Calls.TryTakeOver(out var index))
                {
                    return false;
                }

                LeaveOut(running.Some[index]!);
            }

            var step = now - _last;
            _coarse.Now = _last = now;
            if (step > (Interval + MostLateness).Ticks)
            {
                step = 0;
            }

            _alive += step;
            round = _round = _idle ?? new Round();
            _idle = null;
            (round.Now, round.Alive, round.Step) = (now, _alive, step);
            blamed = _left > 0 && Blame() is { Count: > 0 } some ? some : null;
        }

        if (blamed is not null)
        {
            // Whoever logs may block as well, and this thread is the clock's.
            ThreadPool.UnsafeQueueUserWorkItem(
                static blamed => blamed.ForEach(static one => one.Item1.TellHeldUp(one.Item2)),
                blamed,
                preferLocal: false);
        }

        return true;
    }

    private void Run(Round round)
    {
        for (var block = 0; Take(block, round.Alive, round.Some) is var count and >= 0; block++)
        {
            for (var index = 0; index < count; index++)
            {
                if (!round.Calls.TryMove(index))
                {
                    LetIn(round.Some[index - 1]!);
                    return;
                }

                TickOne(round, round.Some[index]!);
            }

            if (!round.Calls.TryMove(WatchedCalls.None))
            {
                LetIn(round.Some[count - 1]!);
                return;
            }

            round.Some.AsSpan(0, count).Clear();
        }

        lock (_lock)
        {
            _idle = round;
            _round = null;
        }
    }

    private void TickOne(Round round, ITicked connection)
    {
        try
        {
            if (_left > 0 && IsLeftOut(connection))
            {
                connection.TickLeftOut(round.Now);
            }
            else
            {
                connection.Tick(round.Now, round.Alive, round.Step);
            }
        }
#pragma warning disable CA1031 // The clock of all must not die of one connection's wire.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            connection.TickFailed(exception);
        }
    }

    private int Take(int block, long alive, Span<ITicked?> some)
    {
        lock (_lock)
        {
            return _places.Take(block, alive, some);
        }
    }

    /// <summary>Under the lock: a call for this connection does not return.</summary>
    private void LeaveOut(ITicked connection)
    {
        if (!_leftOut.TryGetValue(connection, out var entry))
        {
            _leftOut.Add(connection, entry = new LeftOut(connection.HoldsClockUp));
        }

        entry.Calls++;
        _left++;
    }

    /// <summary>
    /// Under the lock: those that are to be told of. Not at once: on a busy machine it may be the thread that waits for a processor, and
    /// then the call is back soon.
    /// </summary>
    private List<(ITicked Connection, string What)> Blame()
    {
        var blamed = new List<(ITicked, string)>();
        foreach (var (connection, entry) in _leftOut)
        {
            if (!entry.Told && Stopwatch.GetElapsedTime(entry.Since) >= BlamedAfter)
            {
                entry.Told = true;
                blamed.Add((connection, entry.What));
            }
        }

        return blamed;
    }

    private bool IsLeftOut(ITicked connection)
    {
        lock (_lock)
        {
            return _leftOut.ContainsKey(connection);
        }
    }

    /// <summary>The call that held the clock up is back.</summary>
    private void LetIn(ITicked connection)
    {
        lock (_lock)
        {
            _left--;
            if (--_leftOut[connection].Calls == 0)
            {
                _leftOut.Remove(connection);
            }
        }
    }

    private sealed class LeftOut(string what)
    {
        /// <summary>What the first of the calls is in.</summary>
        public string What { get; } = what;

        public long Since { get; } = Stopwatch.GetTimestamp();

        public int Calls { get; set; }

        public bool Told { get; set; }
    }

    /// <summary>One look at all connections: the time that it is for them, and those that are being called.</summary>
    private sealed class Round
    {
        public ITicked?[] Some { get; } = new ITicked?[ClockPlaces.BlockLength];

        public WatchedCalls Calls { get; } = new();

        public long Now { get; set; }

        public long Alive { get; set; }

        public long Step { get; set; }
    }
}
