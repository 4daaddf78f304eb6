using System.Diagnostics.Metrics;

namespace SocketKit.Diagnostics;

/// <summary>
/// The instruments of the meter <c>SocketKit</c>; docs/metrics-and-logs.md lists them. Nothing is spent on one that nobody listens to: what a message passes is asked for once per batch (<see cref="CountsTraffic"/>,
/// <see cref="HandlerDuration"/>) and added per batch, and gauges look at what there is only when they are read. No peer's address or name is ever an attribute.
/// </summary>
internal static class SocketKitMetrics
{
    public const string ErrorType = "error.type";

    private const string Direction = "network.io.direction";

    // From a call that does next to nothing to one that holds a connection up for seconds.
    private static readonly double[] CallSeconds = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    // From a refused connection to one that lives for a week.
    private static readonly double[] LifeSeconds = [0.01, 0.1, 1, 5, 10, 30, 60, 300, 900, 3600, 14400, 43200, 86400, 604800];

    // From a loopback to a time-out.
    private static readonly double[] WireSeconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    private static readonly KeyValuePair<string, object?> Received = new(Direction, "receive");
    private static readonly KeyValuePair<string, object?> Sent = new(Direction, "transmit");

    private static readonly Meter Meter = new("SocketKit", typeof(SocketKitMetrics).Assembly.GetName().Version?.ToString(3));

    public static Histogram<double> ConnectionDuration { get; } = Seconds("socketkit.connection.duration", "How long connections lived, by what ended them.", LifeSeconds);

    public static Counter<long> Rejected { get; } = Meter.CreateCounter<long>("socketkit.server.rejected_connections", "{connection}", "Connections refused at SocketServerOptions.MaxConnections.");

    public static Counter<long> AcceptErrors { get; } = Meter.CreateCounter<long>("socketkit.accept.errors", "{error}", "Failed accepts.");

    public static Histogram<double> HandlerDuration { get; } =
        Seconds("socketkit.handler.duration", "How long handlers took for a message: the first one of each batch that is received or taken out of the mailbox.", CallSeconds);

    public static Counter<long> SlowConsumers { get; } = Meter.CreateCounter<long>("socketkit.slow_consumers", "{connection}", "Connections closed because the peer did not take what was sent to it.");

    public static Counter<long> ProtocolErrors { get; } = Meter.CreateCounter<long>("socketkit.protocol.errors", "{error}", "Connections closed because of what the peer sent.");

    public static Counter<long> DiscardedBytes { get; } = Meter.CreateCounter<long>("socketkit.connection.discarded", "By", "Received bytes that belong to no message.");

    public static Counter<long> LateResponses { get; } = Meter.CreateCounter<long>("socketkit.request.late_responses", "{message}", "Responses that came after their caller was gone.");

    public static Counter<long> HeartbeatTimeouts { get; } = Meter.CreateCounter<long>("socketkit.heartbeat.timeouts", "{connection}", "Peers found dead by the heartbeat policy.");

    public static Histogram<double> RoundTrip { get; } = Seconds("socketkit.heartbeat.round_trip", "Round trips measured by heartbeats.", WireSeconds);

    public static Counter<long> Reconnects { get; } = Meter.CreateCounter<long>("socketkit.client.reconnects", "{attempt}", "Attempts to connect again, by what made them necessary.");

    public static Counter<long> DroppedMessages { get; } = Meter.CreateCounter<long>("socketkit.client.dropped_messages", "{message}", "Messages of clients that nobody read.");

    public static Counter<long> PoolStarved { get; } = Meter.CreateCounter<long>("socketkit.pool.starved", "{episode}", "Probes of the thread pool that waited too long.");

    public static Counter<long> LoopHandOvers { get; } = Meter.CreateCounter<long>("socketkit.loop.hand_overs", "{hand_over}", "Event loops given to another thread because user code blocked.");

    public static Counter<long> SparesExhausted { get; } = Meter.CreateCounter<long>("socketkit.loop.spares_exhausted", "{attempt}", "Blocked event loops or dispatches for which no thread was left.");

    public static Histogram<double> TlsHandshakeDuration { get; } = Seconds("socketkit.tls_handshake.duration", "How long TLS handshakes took.", WireSeconds);

    /// <summary>Somebody wants to know how many bytes and messages pass.</summary>
    public static bool CountsTraffic => NetworkIo.Enabled || NetworkMessages.Enabled;

    private static ObservableCounter<long> NetworkIo { get; } = Meter.CreateObservableCounter("socketkit.network.io", () => OwnerMetrics.Observe(static owner =>
        [owner.Measure(owner.Traffic.BytesReceived, Received), owner.Measure(owner.Traffic.BytesSent, Sent)]), "By", "Bytes that wires received and took to send.");

    private static ObservableCounter<long> NetworkMessages { get; } = Meter.CreateObservableCounter("socketkit.network.messages", () => OwnerMetrics.Observe(static owner =>
        [owner.Measure(owner.Traffic.MessagesReceived, Received), owner.Measure(owner.Traffic.MessagesSent, Sent)]), "{message}", "Messages received and sent, heartbeats and responses among them.");

    /// <summary>Makes sure that the gauges exist, which nobody calls.</summary>
    public static void Publish() => _ = Gauges.All;

    private static Histogram<double> Seconds(string name, string description, double[] boundaries) =>
        Meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = boundaries });

    // Held here, since a meter keeps instruments and nobody else does.
    private static class Gauges
    {
        public static readonly Instrument[] All =
        [
            Meter.CreateObservableUpDownCounter("socketkit.server.active_connections", () => OwnerMetrics.Observe(static owner => owner.IsServer ? [owner.Measure(owner.ActiveConnections)] : []),
                "{connection}", "Connections that servers have now."),
            Meter.CreateObservableUpDownCounter("socketkit.client.state", () => OwnerMetrics.Observe(static owner => owner.IsServer ? [] : owner.MeasureStates()),
                "{client}", "Clients in each state, from the first call of ConnectAsync until they are disposed of."),
            Meter.CreateObservableUpDownCounter("socketkit.send_queue.size", () => OwnerMetrics.Observe(static owner => [owner.Measure(owner.Survey().QueuedBytes)]),
                "By", "Bytes that connections have accepted and wires have not taken yet."),
            Meter.CreateObservableUpDownCounter("socketkit.buffers.rented", () => OwnerMetrics.Observe(static owner => [owner.Measure(owner.Survey().Buffers)]),
                "{buffer}", "Pooled buffers that connections hold now."),
            Meter.CreateObservableUpDownCounter("socketkit.active_tls_handshakes", TlsHandshake.ObserveActive, "{handshake}", "TLS handshakes under way."),
            Meter.CreateObservableGauge("socketkit.tls.certificate.expiry", CertificateExpiry.Observe, "s", "Time until the certificate in use expires; negative afterwards."),
        ];
    }
}
