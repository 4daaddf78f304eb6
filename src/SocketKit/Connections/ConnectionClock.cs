using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>
/// Ticks all connections of one server or client every 100 ms: one clock, no timer per connection and none per message. Also keeps the liveness time, which leaves out gaps in which the process did not run
/// (suspended, starved, or a test's clock that jumps): a tick more than a second late moves it not at all, so nobody is taken for dead for our own absence.
/// </summary>
internal sealed class ConnectionClock
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    /// <summary>Half of the shortest heartbeat interval that is worth having, 2 s.</summary>
    private static readonly TimeSpan MostLateness = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HashSet<Connection> _connections = [];
    private readonly List<Connection> _round = [];
    private IDisposable? _ticks;
    private long _last;
    private long _alive;
    private int _ticking;

    public ConnectionClock(ConnectionSettings settings)
    {
        _time = settings.TimeProvider;
        _logger = settings.Logger;
    }

    public void Add(Connection connection)
    {
        lock (_gate)
        {
            _connections.Add(connection);
            if (_ticks is null)
            {
                _last = Now;
                _ticks = _time == TimeProvider.System ? SystemTicker.Subscribe(Tick, Starved) : _time.CreateTimer(_ => Tick(), null, Interval, Interval);
            }
        }
    }

    /// <summary>Takes a connection out; without any the clock stops.</summary>
    public void Remove(Connection connection)
    {
        IDisposable? ticks = null;
        lock (_gate)
        {
            _connections.Remove(connection);
            if (_connections.Count == 0)
            {
                (ticks, _ticks) = (_ticks, null);
            }
        }

        ticks?.Dispose();
    }

    private long Now => _time.GetElapsedTime(0, _time.GetTimestamp()).Ticks;

    private void Starved(TimeSpan waited)
    {
        ThreadPool.GetMinThreads(out var threads, out _);
        Log.PoolStarved(_logger, (long)waited.TotalMilliseconds, threads);
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
                _round.AddRange(_connections);
            }

            foreach (var connection in _round)
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
        }
        finally
        {
            _round.Clear();
            Volatile.Write(ref _ticking, 0);
        }
    }
}
