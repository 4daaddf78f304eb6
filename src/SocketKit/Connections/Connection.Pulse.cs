using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// What the clock does at each tick: deadlines, slow consumers, and then heartbeats. The fields belong to the clock.
internal sealed partial class Connection
{
    private const int LeastBytesPerSecond = 240;

    /// <summary>By when it must be open, and later, released.</summary>
    private long _deadline;

    /// <summary>Made when a tick first finds a send under way: most connections never have one that lasts.</summary>
    private ConsumerWatch? _consumer;

    /// <summary>One tick of the clock.</summary>
    /// <param name="now">Monotonic time, for deadlines.</param>
    /// <param name="alive">The liveness clock: leaves out time in which the process did not run.</param>
    /// <param name="step">How far the liveness clock has moved since the last tick.</param>
    internal void Tick(long now, long alive, long step)
    {
        if (_reason is not null)
        {
            if (now >= _deadline)
            {
                AbortWire();
            }

            return;
        }

        if (!_opened && now >= _deadline)
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
        var watch = _consumer;
        if (!Volatile.Read(ref _flushing))
        {
            if (watch is not null)
            {
                watch.WasFlushing = false;
            }

            return;
        }

        watch = _consumer ??= new ConsumerWatch();

        var limit = _settings.SlowConsumerTimeout.Ticks;
        var sent = _transport.SendProgress;
        if (!watch.WasFlushing)
        {
            watch.WasFlushing = watch.FirstWindow = true;
            watch.SentAtLastTick = watch.WindowBytes = sent;
            watch.LastTaken = watch.WindowBegan = alive;
            return;
        }

        if (sent != watch.SentAtLastTick)
        {
            watch.SentAtLastTick = sent;
            watch.LastTaken = alive;
        }

        var slow = alive - watch.LastTaken >= limit;
        if (alive - watch.WindowBegan >= limit)
        {
            slow |= !watch.FirstWindow && sent - watch.WindowBytes < LeastBytesPerSecond * (limit / (double)TimeSpan.TicksPerSecond);
            watch.FirstWindow = false;
            watch.WindowBegan = alive;
            watch.WindowBytes = sent;
        }

        if (slow)
        {
            TryClose(CloseKind.SlowConsumer, CloseParty.Peer, $"the peer took no byte, or under {LeastBytesPerSecond} bytes a second, for {_settings.SlowConsumerTimeout} (ConnectionOptions.SlowConsumerTimeout)", null, graceful: false);
        }
    }

    /// <summary>Since when the wire has taken nothing, and the current window of the least rate. The clock's.</summary>
    private sealed class ConsumerWatch
    {
        public bool WasFlushing;
        public long SentAtLastTick;
        public long LastTaken;
        public long WindowBegan;
        public long WindowBytes;
        public bool FirstWindow;
    }
}
