using System.Text;

namespace SocketKit.Connections;

/// <summary>
/// The checked copy of <see cref="ProtocolOptions"/>. A base class of <see cref="ConnectionSettings"/> and not a field of it, so that a
/// connection reaches both with one read. Immutable but for <see cref="Handler"/>.
/// </summary>
internal abstract class ProtocolSettings
{
    /// <summary>Above this many queued bytes a send waits.</summary>
    public const int HighWaterMark = 64 * 1024;

    /// <summary>
    /// A batch of inline calls gathers at most this many bytes before it goes out: enough to fill the kernel's buffer at once, and few
    /// enough to stay in a core's cache.
    /// </summary>
    private const int MostCorked = 256 * 1024;

    /// <summary>Checks and copies.</summary>
    /// <param name="options">The options.</param>
    /// <param name="role">The name of their type, for messages.</param>
    /// <param name="handlerRequired">Whether a missing handler is an error.</param>
    /// <exception cref="OptionsException">An option is missing, out of its range, or does not go together with another.</exception>
    protected ProtocolSettings(ProtocolOptions options, string role, bool handlerRequired)
    {
        Framer = options.Framer ?? throw new OptionsException(role + ".Framer", "is not set; type Framer = Framers.Lines(), or another framer");
        if (options.HandlerFactory is not null && options.SharedHandler is not null)
        {
            throw new OptionsException(role + ".SharedHandler", "is set beside HandlerFactory; leave one of them out");
        }

        Handler = options.HandlerFactory ?? (options.SharedHandler is { } shared ? _ => shared : null);
        if (handlerRequired && Handler is null)
        {
            throw new OptionsException(
                role + ".HandlerFactory",
                "is not set; type HandlerFactory = Handlers.OnText((connection, text) => connection.SendAsync(text)), or SharedHandler = one for all");
        }

        ReleaseHandler = Handler is null ? null : options.ReleaseHandler;
        var heartbeat = NotNull(options.Heartbeat, role, nameof(options.Heartbeat), "NoHeartbeat.Instance");
        Heartbeat = heartbeat is NoHeartbeat ? null : heartbeat;
        ReadCorrelationId = options.ReadCorrelationId;
        RequestTimeout = PositiveOrInfinite(options.RequestTimeout, role, nameof(options.RequestTimeout));
        MaxPendingRequests = InRange(options.MaxPendingRequests, 1, int.MaxValue, role, nameof(options.MaxPendingRequests));
        MaxFrameLength = InRange(options.MaxFrameLength, 1, 1 << 30, role, nameof(options.MaxFrameLength));
        MaxQueuedBytes = InRange(options.MaxQueuedBytes, HighWaterMark, int.MaxValue, role, nameof(options.MaxQueuedBytes));
        TextEncoding = NotNull(options.TextEncoding, role, nameof(options.TextEncoding), "Encoding.UTF8");
        OptionsFit.Check(Framer, MaxFrameLength, TextEncoding, role);
        OptionsFit.Check(heartbeat, Framer, TextEncoding, role);
        ByteOrderMark = OptionsFit.ByteOrderMark(Framer, TextEncoding);
    }

    public IFramer Framer { get; }

    public Func<IConnection, ConnectionHandler>? Handler { get; set; }

    /// <summary>Null also when the handler is not the user's.</summary>
    public Func<IConnection, ConnectionHandler, ValueTask>? ReleaseHandler { get; }

    /// <summary>Null for <see cref="NoHeartbeat"/>: then nothing is spent on it.</summary>
    public IHeartbeatPolicy? Heartbeat { get; }

    public CorrelationIdReader? ReadCorrelationId { get; }

    /// <summary>Messages may be heartbeats, or have a correlation id.</summary>
    public bool LooksAtMessages => Heartbeat is not null || ReadCorrelationId is not null;

    /// <summary><see cref="Timeout.InfiniteTimeSpan"/>: for ever.</summary>
    public TimeSpan RequestTimeout { get; }

    public int MaxPendingRequests { get; }

    public int MaxFrameLength { get; }

    public int MaxQueuedBytes { get; }

    /// <summary>
    /// Above this many bytes a corked batch goes out. Well below <see cref="MaxQueuedBytes"/>: a batch alone never overflows it.
    /// </summary>
    public int CorkLimit => Math.Clamp(MaxQueuedBytes / 4, HighWaterMark, MostCorked);

    public Encoding TextEncoding { get; }

    /// <summary>What is skipped in front of the first message; null: nothing.</summary>
    public byte[]? ByteOrderMark { get; }

    /// <summary>Checks a time-out that must come to an end.</summary>
    /// <param name="value">The time-out.</param>
    /// <param name="role">The name of the options.</param>
    /// <param name="name">The name of the option.</param>
    /// <param name="elseForEver">What would go on for ever without it.</param>
    /// <param name="orElse">What else may be typed.</param>
    public static TimeSpan Positive(TimeSpan value, string role, string name, string elseForEver, string orElse = "") =>
        IsPositive(value) ? value : throw OutOfRange(
            role, name, value == Timeout.InfiniteTimeSpan ? $"Timeout.InfiniteTimeSpan is not allowed: {elseForEver} for ever" : $"{value} is out of range", orElse);

    /// <summary>Checks a time-out that <see cref="Timeout.InfiniteTimeSpan"/> switches off.</summary>
    public static TimeSpan PositiveOrInfinite(TimeSpan value, string role, string name) => IsPositive(value) || value == Timeout.InfiniteTimeSpan
        ? value
        : throw OutOfRange(role, name, $"{value} is out of range", ", or Timeout.InfiniteTimeSpan");

    private static bool IsPositive(TimeSpan value) => value > TimeSpan.Zero && value.TotalMilliseconds <= int.MaxValue;

    private static OptionsException OutOfRange(string role, string name, string problem, string orElse) =>
        new($"{role}.{name}", $"{problem}; type a time above zero and below 24 days, such as TimeSpan.FromSeconds(10){orElse}");

    public static int InRange(int value, int least, int most, string role, string name) => value >= least && value <= most
        ? value
        : throw new OptionsException($"{role}.{name}", $"{value} is out of range; type a number from {least:N0} to {most:N0}");

    protected static T NotNull<T>(T? value, string role, string name, string example)
        where T : class => value ?? throw new OptionsException($"{role}.{name}", $"is null; type {example}, or leave it out");
}
