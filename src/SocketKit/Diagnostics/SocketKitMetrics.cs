using System.Diagnostics.Metrics;

namespace SocketKit.Diagnostics;

/// <summary>
/// The instruments of the meter <c>SocketKit</c>; docs/metrics-and-logs.md lists them. Nothing is spent on one that nobody listens to: what
/// a message passes is asked for once per batch (<see cref="CountsTraffic"/>,
/// <see cref="HandlerDuration"/>) and added per batch, and gauges look at what there is only when they are read. No peer's address or name
/// is ever an attribute.
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

    private static readonly SafeInstruments Make = new(new Meter("SocketKit", typeof(SocketKitMetrics).Assembly.GetName().Version?.ToString(3)));

    public static SafeHistogram ConnectionDuration { get; } = Make.Seconds("socketkit.connection.duration", "How long connections lived, by what ended them.", LifeSeconds);

    public static SafeCounter Rejected { get; } = Make.Counter("socketkit.server.rejected_connections", "{connection}", "Connections refused at SocketServerOptions.MaxConnections.");

    public static SafeCounter AcceptErrors { get; } = Make.Counter("socketkit.accept.errors", "{error}", "Failed accepts.");

    public static SafeHistogram HandlerDuration { get; } = Make.Seconds("socketkit.handler.duration", "How long handlers took for a message: the first one of each batch that is received or taken out of the mailbox.", CallSeconds);

    public static SafeCounter SlowConsumers { get; } = Make.Counter("socketkit.slow_consumers", "{connection}", "Connections closed because the peer did not take what was sent to it.");

    public static SafeCounter ProtocolErrors { get; } = Make.Counter("socketkit.protocol.errors", "{error}", "Connections closed because of what the peer sent.");

    public static SafeCounter DiscardedBytes { get; } = Make.Counter("socketkit.connection.discarded", "By", "Received bytes that belong to no message.");

    public static SafeCounter LateResponses { get; } = Make.Counter("socketkit.request.late_responses", "{message}", "Responses that came after their caller was gone.");

    public static SafeCounter HeartbeatTimeouts { get; } = Make.Counter("socketkit.heartbeat.timeouts", "{connection}", "Peers found dead by the heartbeat policy.");

    public static SafeHistogram RoundTrip { get; } = Make.Seconds("socketkit.heartbeat.round_trip", "Round trips measured by heartbeats.", WireSeconds);

    public static SafeCounter Reconnects { get; } = Make.Counter("socketkit.client.reconnects", "{attempt}", "Attempts to connect again, by what made them necessary.");

    public static SafeCounter DroppedMessages { get; } = Make.Counter("socketkit.client.dropped_messages", "{message}", "Messages of clients that nobody read.");

    public static SafeCounter PoolStarved { get; } = Make.Counter("socketkit.pool.starved", "{episode}", "Probes of the thread pool that waited too long.");

    public static SafeCounter LoopHandOvers { get; } = Make.Counter("socketkit.loop.hand_overs", "{hand_over}", "Event loops given to another thread because user code blocked.");

    public static SafeCounter SparesExhausted { get; } = Make.Counter("socketkit.loop.spares_exhausted", "{attempt}", "Blocked event loops or dispatches for which no thread was left.");

    public static SafeHistogram TlsHandshakeDuration { get; } = Make.Seconds("socketkit.tls_handshake.duration", "How long TLS handshakes took.", WireSeconds);

    /// <summary>Somebody wants to know how many bytes and messages pass.</summary>
    public static bool CountsTraffic => NetworkIo.Enabled || NetworkMessages.Enabled;

    private static ObservableCounter<long> NetworkIo { get; } = Make.ObservableCounter("socketkit.network.io", () => OwnerMetrics.Observe(static owner =>
        [owner.Measure(owner.Traffic.BytesReceived, Received), owner.Measure(owner.Traffic.BytesSent, Sent)]), "By", "Bytes that wires received and took to send.");

    private static ObservableCounter<long> NetworkMessages { get; } = Make.ObservableCounter("socketkit.network.messages", () => OwnerMetrics.Observe(static owner =>
        [owner.Measure(owner.Traffic.MessagesReceived, Received), owner.Measure(owner.Traffic.MessagesSent, Sent)]), "{message}", "Messages received and sent, heartbeats and responses among them.");

    /// <summary>Makes sure that the gauges exist, which nobody calls.</summary>
    public static void Publish() => _ = Gauges.All;

    // Held here, since a meter keeps instruments and nobody else does.
    private static class Gauges
    {
        public static readonly Instrument[] All =
        [
            Make.ObservableUpDownCounter("socketkit.server.active_connections", () => OwnerMetrics.Observe(static owner => owner.IsServer ? [owner.Measure(owner.ActiveConnections)] : []),
                "{connection}", "Connections that servers have now."),
            Make.ObservableUpDownCounter("socketkit.client.state", () => OwnerMetrics.Observe(static owner => owner.IsServer ? [] : owner.MeasureStates()),
                "{client}", "Clients in each state, from the first call of ConnectAsync until they are disposed of."),
            Make.ObservableUpDownCounter("socketkit.send_queue.size", () => OwnerMetrics.Observe(static owner => [owner.Measure(owner.Survey().QueuedBytes)]),
                "By", "Bytes that connections have accepted and wires have not taken yet."),
            Make.ObservableUpDownCounter("socketkit.buffers.rented", () => OwnerMetrics.Observe(static owner => [owner.Measure(owner.Survey().Buffers)]),
                "{buffer}", "Pooled buffers that connections hold now."),
            Make.ObservableUpDownCounter("socketkit.active_tls_handshakes", TlsHandshake.ObserveActive, "{handshake}", "TLS handshakes under way."),
            Make.ObservableGauge("socketkit.tls.certificate.expiry", CertificateExpiry.Observe, "s", "Time until the certificate in use expires; negative afterwards."),
            Make.ObservableCounter("socketkit.observer_failures", ObserverFailures.Observe, "{failure}", "Exceptions of loggers and of listeners to metrics and traces, which harm nothing else."),
        ];
    }
}
