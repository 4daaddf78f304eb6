using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>
/// Ticks all connections of one server or client every 100 ms: one clock, no timer per connection and none per message. Also keeps the liveness time, which leaves out gaps in which the process did not run
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
    private readonly List<Connection> _connections = [];
    private readonly Connection[] _some = new Connection[64];
    private IDisposable? _ticks;
    private long _last;
    private long _alive;
    private int _ticking;
    private int _round;

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
            connection.ClockPlace = _connections.Count;
            _connections.Add(connection);
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
            var place = connection.ClockPlace;
            if (place < 0)
            {
                return;
            }

            // The last one takes its place.
            var last = _connections[^1];
            _connections[place] = last;
            last.ClockPlace = place;
            _connections.RemoveAt(_connections.Count - 1);
            connection.ClockPlace = -1;
            if (_connections.Count == 0)
            {
                (ticks, _ticks) = (_ticks, null);
                _metrics.Remove(this);
            }
        }

        ticks?.Dispose();
    }

    private long Now => _time.GetElapsedTime(0, _time.GetTimestamp()).Ticks;

    /// <summary>What all connections hold now, for gauges. A few at a time, so that newcomers do not wait for it; who comes or goes meanwhile may be left out.</summary>
    (long QueuedBytes, long Buffers) OwnerMetrics.IHoldings.Survey()
    {
        var sum = (QueuedBytes: 0L, Buffers: 0L);
        var some = new Connection[64];
        var place = int.MaxValue;
        while (true)
        {
            int count;
            lock (_gate)
            {
                for (count = 0, place = Math.Min(place, _connections.Count); place > 0 && count < some.Length; count++)
                {
                    some[count] = _connections[--place];
                }
            }

            if (count == 0)
            {
                return sum;
            }

            foreach (var connection in some.AsSpan(0, count))
            {
                var (queued, buffers) = connection.Holdings;
                sum = (sum.QueuedBytes + queued, sum.Buffers + buffers);
            }
        }
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
                _round++;
            }

            for (var place = int.MaxValue; TakeSome(ref place) is var count and > 0;)
            {
                TickSome(count, now, step);
            }
        }
        finally
        {
            Volatile.Write(ref _ticking, 0);
        }
    }

    /// <summary>The next connections of this round, from the end on: who leaves meanwhile lets one take its place that has had its tick.</summary>
    private int TakeSome(ref int place)
    {
        lock (_gate)
        {
            var count = 0;
            for (place = Math.Min(place, _connections.Count); place > 0 && count < _some.Length;)
            {
                var connection = _connections[--place];
                if (connection.ClockRound != _round)
                {
                    connection.ClockRound = _round;
                    _some[count++] = connection;
                }
            }

            return count;
        }
    }

    private void TickSome(int count, long now, long step)
    {
        var some = _some.AsSpan(0, count);
        foreach (var connection in some)
        {
            try
            {
                connection.Tick(now, _alive, step);
            }
#pragma warning disable CA1031 // The clock of all must not die of one connection's wire.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                connection.TickFailed(exception);
            }
        }

        some.Clear();
    }
}
