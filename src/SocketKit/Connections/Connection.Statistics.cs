using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// What has passed over the connection, for its users. Counted once per batch, where the receive loop and the flusher are anyway.
internal sealed partial class Connection
{
    private TrafficTotals _totals;

    /// <summary>UTC, in ticks of 100 ns; 0: not open yet.</summary>
    private long _openedAt;

    public ConnectionStatistics Statistics
    {
        get
        {
            var now = Now;
            using (_lock.Enter())
            {
                var openedAt = Volatile.Read(ref _openedAt);
                return new ConnectionStatistics
                {
                    OpenedAt = openedAt == 0 ? null : new DateTimeOffset(openedAt, TimeSpan.Zero),
                    SinceReceived = _totals.SinceReceived(now - _began),
                    SinceSent = _totals.SinceSent(now - _began),
                    BytesReceived = _totals.BytesReceived,
                    BytesSent = _sends.BytesTaken,
                    MessagesReceived = _totals.MessagesReceived,
                    MessagesSent = _totals.MessagesSent,
                    BytesDiscarded = _extras?.BytesDiscarded ?? 0,
                    QueuedBytes = _sends.Queued,
                    LastRoundTrip = _beats?.LastRoundTripLocked(),
                };
            }
        }
    }

    /// <summary>How old the connection was at the clock's last tick, in ticks of 100 ns.</summary>
    private long CoarseAge => _settings.Coarse.Now - _began;

    private long UtcTicks
    {
        get
        {
            try
            {
                return _settings.TimeProvider.GetUtcNow().UtcTicks;
            }
            catch (Exception exception)
            {
                // A clock of somebody else's: the connection opens all the same.
                Log.ClockFailed(_settings.Logger, _settings.TimeProvider.GetType().Name, exception);
                return DateTimeOffset.UtcNow.UtcTicks;
            }
        }
    }
}
