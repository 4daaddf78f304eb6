using System.Diagnostics.Metrics;

namespace SocketKit.Diagnostics;

/// <summary>The instruments of the meter <c>SocketKit</c>. Nothing is spent on one that nobody listens to.</summary>
internal static class SocketKitMetrics
{
    private static readonly Meter Meter = new("SocketKit");
    private static readonly Counter<long> ClosedConnections = Meter.CreateCounter<long>("socketkit.connection.closed", "{connection}", "Connections ended, by close kind.");

    public static Counter<long> Rejected { get; } = Meter.CreateCounter<long>("socketkit.server.rejected_connections", "{connection}", "Connections refused at SocketServerOptions.MaxConnections.");

    public static Counter<long> AcceptErrors { get; } = Meter.CreateCounter<long>("socketkit.accept.errors", "{error}", "Failed accepts.");

    public static Counter<long> DiscardedBytes { get; } = Meter.CreateCounter<long>("socketkit.connection.discarded", "By", "Received bytes that belong to no message.");

    public static Counter<long> LateResponses { get; } = Meter.CreateCounter<long>("socketkit.request.late_responses", "{message}", "Responses that came after their caller was gone.");

    public static Counter<long> HeartbeatTimeouts { get; } = Meter.CreateCounter<long>("socketkit.heartbeat.timeouts", "{connection}", "Peers found dead by the heartbeat policy.");

    public static Counter<long> DroppedMessages { get; } = Meter.CreateCounter<long>("socketkit.client.dropped_messages", "{message}", "Messages of clients that nobody read.");

    public static Counter<long> PoolStarved { get; } = Meter.CreateCounter<long>("socketkit.pool.starved", "{episode}", "Probes of the thread pool that waited too long.");

    public static Counter<long> LoopHandOvers { get; } = Meter.CreateCounter<long>("socketkit.loop.hand_overs", "{hand_over}", "Event loops given to another thread because user code blocked.");

    public static Counter<long> SparesExhausted { get; } = Meter.CreateCounter<long>("socketkit.loop.spares_exhausted", "{attempt}", "Blocked event loops or dispatches for which no thread was left.");

    public static Histogram<double> RoundTrip { get; } = Meter.CreateHistogram<double>("socketkit.heartbeat.round_trip", "s", "Round trips measured by heartbeats.");

    public static void Closed(CloseKind kind)
    {
        if (ClosedConnections.Enabled)
        {
            ClosedConnections.Add(1, new KeyValuePair<string, object?>("error.type", kind.ToString()));
        }
    }
}
