using System.Text;
using Microsoft.Extensions.Logging;
using SocketKit.Clock;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>The checked copy of <see cref="ConnectionOptions"/> that all connections of one server or client share.</summary>
internal sealed class ConnectionSettings
{
    /// <summary>Above this many queued bytes a send waits.</summary>
    public const int HighWaterMark = 64 * 1024;

    /// <summary>A batch of inline calls gathers at most so many bytes before it goes out: enough to fill the kernel's buffer at one go, and little enough to stay in a processor's cache.</summary>
    private const int MostCorked = 256 * 1024;

    public const int ReceiveBufferSize = 16 * 1024;
    public const int MailboxMessages = 256;
    public const int MailboxBytes = 256 * 1024;

    /// <summary>A turn ends after this many receives that found data waiting, so that a flood does not starve the others.</summary>
    public const int ReceivesPerTurn = 16;

    /// <summary>A turn also ends after this many messages: one receive may bring tens of thousands, and what each costs is the handler's affair.</summary>
    public const int MessagesPerTurn = 1000;

    public const int LongestName = 100;

    public ConnectionSettings(ConnectionOptions options, string role, bool handlerRequired)
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
        SlowConsumerTimeout = Positive(options.SlowConsumerTimeout, role, nameof(options.SlowConsumerTimeout),
            "a peer that takes nothing would keep what waits for it in memory");
        OpenTimeout = Positive(options.OpenTimeout, role, nameof(options.OpenTimeout),
            "a peer that never ends its handshake would keep its place");
        CloseTimeout = Positive(options.CloseTimeout, role, nameof(options.CloseTimeout),
            "a peer that never finishes would keep a closed connection");
        HalfCloseTimeout = PositiveOrInfinite(options.HalfCloseTimeout, role, nameof(options.HalfCloseTimeout));
        TextEncoding = NotNull(options.TextEncoding, role, nameof(options.TextEncoding), "Encoding.UTF8");
        OptionsFit.Check(Framer, MaxFrameLength, TextEncoding, role);
        OptionsFit.Check(heartbeat, Framer, TextEncoding, role);
        ByteOrderMark = OptionsFit.ByteOrderMark(Framer, TextEncoding);
        TimeProvider = NotNull(options.TimeProvider, role, nameof(options.TimeProvider), "TimeProvider.System");
        Logger = ObserverFailures.CreateLogger(options.LoggerFactory, "SocketKit." + role[..^"Options".Length]);
        Name = options.Name is null or { Length: > 0 and <= LongestName }
            ? options.Name
            : throw new OptionsException(role + ".Name", $"has {options.Name.Length} characters; type 1 to {LongestName}, or leave it out");
        Metrics = handlerRequired ? OwnerMetrics.OfServer(Name) : OwnerMetrics.OfClient(Name);
        Floods = new FloodGates(Logger, TimeProvider);
        Lines = new ConnectionLines(Logger, Floods, new FirstTimes());
        TransportServices = new TransportServices { Logger = Logger, TimeProvider = TimeProvider, SlowConsumerTimeout = SlowConsumerTimeout };
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

    /// <summary>Above this many bytes a corked batch goes out. Well below <see cref="MaxQueuedBytes"/>: a batch alone never overflows it.</summary>
    public int CorkLimit => Math.Clamp(MaxQueuedBytes / 4, HighWaterMark, MostCorked);

    public TimeSpan SlowConsumerTimeout { get; }

    public TimeSpan OpenTimeout { get; }

    public TimeSpan CloseTimeout { get; }

    /// <summary>Negative: for ever.</summary>
    public TimeSpan HalfCloseTimeout { get; }

    public Encoding TextEncoding { get; }

    /// <summary>What is skipped in front of the first message; null: nothing.</summary>
    public byte[]? ByteOrderMark { get; }

    public TimeProvider TimeProvider { get; }

    public ILogger Logger { get; }

    /// <summary>For the listeners and the dialer.</summary>
    public TransportServices TransportServices { get; }

    /// <summary>Of the server or client, for metrics and traces.</summary>
    public string? Name { get; }

    /// <summary>What is measured of all that have this role and name.</summary>
    public OwnerMetrics Metrics { get; }

    /// <summary>Kept by the clock of the server or client.</summary>
    public CoarseTime Coarse { get; } = new();

    /// <summary>For log lines that many peers can bring about.</summary>
    public FloodGates Floods { get; }

    /// <summary>What its connections log.</summary>
    public ConnectionLines Lines { get; }

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

    private static T NotNull<T>(T? value, string role, string name, string example)
        where T : class => value ?? throw new OptionsException($"{role}.{name}", $"is null; type {example}, or leave it out");
}
