using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// What the clock does at each tick: deadlines, slow consumers, and then heartbeats. The fields belong to the clock.
internal sealed partial class Connection
{
    private const int LeastBytesPerSecond = 240;

    private readonly long _openDeadline;

    // Slow consumer: since when the wire has taken nothing, and the current window of the least rate.
    private bool _wasFlushing;
    private long _sentAtLastTick;
    private long _lastTaken;
    private long _windowBegan;
    private long _windowBytes;
    private bool _firstWindow;

    /// <summary>One tick of the clock.</summary>
    /// <param name="now">Monotonic time, for deadlines.</param>
    /// <param name="alive">The liveness clock: leaves out time in which the process did not run.</param>
    /// <param name="step">How far the liveness clock has moved since the last tick.</param>
    internal void Tick(long now, long alive, long step)
    {
        if (_reason is not null)
        {
            if (now >= _closeDeadline)
            {
                AbortWire();
            }

            return;
        }

        if (!_opened && now >= _openDeadline)
        {
            TryClose(CloseKind.OpenFailed, CloseParty.Peer, $"not open within {_settings.OpenTimeout} (ConnectionOptions.OpenTimeout)", null, graceful: false);
            return;
        }

        ExpireRequests(now);
        if (_draining)
        {
            CheckIdle();
        }

        CheckConsumer(alive);
        if (_settings.Heartbeat is { } policy && _opened)
        {
            Beat(policy, alive, step);
        }
    }

    /// <summary>A wire that throws where it must not ends its own connection.</summary>
    internal void TickFailed(Exception exception)
    {
        Log.HandlerFailed(_settings.Logger, Id, this, _transport.GetType().Name, exception);
        TransportFailed(exception);
    }

    private void CheckConsumer(long alive)
    {
        if (!Volatile.Read(ref _flushing))
        {
            _wasFlushing = false;
            return;
        }

        var limit = _settings.SlowConsumerTimeout.Ticks;
        var sent = _transport.SendProgress;
        if (!_wasFlushing)
        {
            _wasFlushing = _firstWindow = true;
            _sentAtLastTick = _windowBytes = sent;
            _lastTaken = _windowBegan = alive;
            return;
        }

        if (sent != _sentAtLastTick)
        {
            _sentAtLastTick = sent;
            _lastTaken = alive;
        }

        var slow = alive - _lastTaken >= limit;
        if (alive - _windowBegan >= limit)
        {
            slow |= !_firstWindow && sent - _windowBytes < LeastBytesPerSecond * (limit / (double)TimeSpan.TicksPerSecond);
            _firstWindow = false;
            _windowBegan = alive;
            _windowBytes = sent;
        }

        if (slow)
        {
            TryClose(CloseKind.SlowConsumer, CloseParty.Peer, $"the peer took no byte, or under {LeastBytesPerSecond} bytes a second, for {_settings.SlowConsumerTimeout} (ConnectionOptions.SlowConsumerTimeout)", null, graceful: false);
        }
    }
}
