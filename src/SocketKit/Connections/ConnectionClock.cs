using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>
/// Ticks the connections of one server or client every 100 ms, but for those at rest: one clock, no timer per connection and none per message. Also keeps the liveness time, which leaves out gaps in which the process did not run
/// (suspended, starved, or a test's clock that jumps): a tick more than a second late moves it not at all, so nobody is taken for dead for our own absence.
/// </summary>
internal sealed class ConnectionClock : OwnerMetrics.IHoldings
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Half of the shortest heartbeat interval that is worth having, 2 s.</summary>
    private static readonly TimeSpan MostLateness = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly OwnerMetrics _metrics;
    private readonly ClockPlaces _places = new();
    private readonly Connection?[] _some = new Connection?[ClockPlaces.BlockLength];
    private IDisposable? _ticks;
    private long _last;
    private long _alive;
    private int _ticking;

    public ConnectionClock(ConnectionSettings settings)
    {
        _time = settings.TimeProvider;
        _logger = settings.Logger;
        _metrics = settings.Metrics;
    }

    public void Add(Connection connection)
    {
        lock (_gate)
        {
            _places.Add(connection);
            if (_ticks is null)
            {
                _last = Now;
                _metrics.Add(this);
                _ticks = _time == TimeProvider.System ? SystemTicker.Subscribe(Tick, _logger) : _time.CreateTimer(_ => Tick(), null, Interval, Interval);
            }
        }
    }

    /// <summary>Takes a connection out; without any the clock stops.</summary>
    public void Remove(Connection connection)
    {
        IDisposable? ticks = null;
        lock (_gate)
        {
            if (_places.Remove(connection) && _places.IsEmpty)
            {
                (ticks, _ticks) = (_ticks, null);
                _metrics.Remove(this);
            }
        }

        ticks?.Dispose();
    }

    private long Now => _time.GetElapsedTime(0, _time.GetTimestamp()).Ticks;

    /// <summary>What all connections hold now, at rest or not, for gauges. Who comes or goes meanwhile may be left out.</summary>
    (long QueuedBytes, long Buffers) OwnerMetrics.IHoldings.Survey()
    {
        var sum = (QueuedBytes: 0L, Buffers: 0L);
        var some = new Connection?[ClockPlaces.BlockLength];
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

    private void Tick()
    {
        if (Interlocked.Exchange(ref _ticking, 1) != 0)
        {
            return;
        }

        try
        {
            long now, step;
            lock (_gate)
            {
                now = Now;
                step = now - _last;
                _last = now;
                if (step > (Interval + MostLateness).Ticks)
                {
                    step = 0;
                }

                _alive += step;
            }

            for (var block = 0; Take(block, _alive, _some) is var count and >= 0; block++)
            {
                TickSome(count, now, step);
            }
        }
        finally
        {
            Volatile.Write(ref _ticking, 0);
        }
    }

    private int Take(int block, long alive, Span<Connection?> some)
    {
        lock (_gate)
        {
            return _places.Take(block, alive, some);
        }
    }

    private void TickSome(int count, long now, long step)
    {
        var some = _some.AsSpan(0, count);
        foreach (var connection in some)
        {
            try
            {
                connection!.Tick(now, _alive, step);
            }
#pragma warning disable CA1031 // The clock of all must not die of one connection's wire.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                connection!.TickFailed(exception);
            }
        }

        some.Clear();
    }
}
