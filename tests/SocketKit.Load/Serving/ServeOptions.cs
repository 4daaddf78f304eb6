namespace SocketKit.Load.Serving;

/// <summary>What <c>serve</c> serves with.</summary>
/// <param name="Kind">One of <see cref="Kinds"/>.</param>
/// <param name="Engine">Of kinds <c>socketkit</c> and <c>http-socketkit</c>: one of <see cref="EngineChoice.Names"/>.</param>
/// <param name="Handler">Of kind <c>socketkit</c>: one of <see cref="Handlers"/>.</param>
/// <param name="Port">0 takes a free one.</param>
/// <param name="BlockEvery">Handler <c>block</c>: of so many connections one blocks, the first of them first.</param>
/// <param name="BlockMilliseconds">Handler <c>block</c>: how long it blocks its thread at each message.</param>
/// <param name="Heartbeat">Kind <c>socketkit</c>: seconds between heartbeats; who sends none for three times as long is closed. 0: no
/// heartbeat.</param>
/// <param name="Telemetry">One of <see cref="Telemetries"/>: who listens to the library's instruments.</param>
/// <param name="Tls">Kinds <see cref="TlsKinds"/>: over TLS, with a certificate for development.</param>
/// <param name="Http2">Kinds <see cref="HttpKinds"/>: HTTP/2 alone, without TLS, and gRPC besides.</param>
internal sealed record ServeOptions(string Kind, string Engine = "auto", string Handler = "echo", int Port = 0, int BlockEvery = 64, int BlockMilliseconds = 100, int Heartbeat = 0, string Telemetry = ServeOptions.NoTelemetry, bool Tls = false, bool Http2 = false)
{
    /// <summary>What a heartbeat says, in both directions.</summary>
    public static ReadOnlySpan<byte> Beat => "beat"u8;

    /// <summary>The longest frame that any kind takes, in bytes without its length.</summary>
    public const int MaxFrameLength = 1024 * 1024;

    /// <summary>Nobody listens.</summary>
    public const string NoTelemetry = "none";

    /// <summary>The OpenTelemetry SDK collects every instrument once a second.</summary>
    public const string Metrics = "metrics";

    public static readonly string[] Telemetries = [NoTelemetry, Metrics];

    public const string Http = "http";
    public const string HttpSocketKit = "http-socketkit";

    public static readonly string[] EchoKinds = ["socketkit", "plain", "batched", "kestrel", "dotnetty"];

    public static readonly string[] TlsKinds = ["socketkit", "plain", "batched", "kestrel"];

    public static readonly string[] HttpKinds = [Http, HttpSocketKit];

    public static readonly string[] Kinds = [.. EchoKinds, .. HttpKinds];

    public static readonly string[] Handlers = ["echo", "async", "block", "broadcast"];
}
