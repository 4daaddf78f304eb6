using System.Text;
using Microsoft.Extensions.Logging;
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
        if (handlerRequired && options.Handler is null)
        {
            throw new OptionsException(role + ".Handler", "is not set; type Handler = Handler.OnText((connection, text) => connection.SendAsync(text)), say");
        }

        Handler = options.Handler;
        ReleaseHandler = options.Handler is null ? null : options.ReleaseHandler;
        var heartbeat = NotNull(options.Heartbeat, role, nameof(options.Heartbeat), "NoHeartbeat.Instance");
        Heartbeat = heartbeat is NoHeartbeat ? null : heartbeat;
        ReadCorrelationId = options.ReadCorrelationId;
        RequestTimeout = Positive(options.RequestTimeout, role, nameof(options.RequestTimeout));
        MaxPendingRequests = InRange(options.MaxPendingRequests, 1, int.MaxValue, role, nameof(options.MaxPendingRequests));
        MaxFrameLength = InRange(options.MaxFrameLength, 1, 1 << 30, role, nameof(options.MaxFrameLength));
        SendLimit = InRange(options.SendLimit, HighWaterMark, int.MaxValue, role, nameof(options.SendLimit));
        SlowConsumerTimeout = Positive(options.SlowConsumerTimeout, role, nameof(options.SlowConsumerTimeout));
        OpenTimeout = Positive(options.OpenTimeout, role, nameof(options.OpenTimeout));
        CloseTimeout = Positive(options.CloseTimeout, role, nameof(options.CloseTimeout));
        HalfCloseTimeout = options.HalfCloseTimeout == Timeout.InfiniteTimeSpan
            ? options.HalfCloseTimeout
            : Positive(options.HalfCloseTimeout, role, nameof(options.HalfCloseTimeout), ", or Timeout.InfiniteTimeSpan");
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
        TransportContext = new TransportContext { Logger = Logger, TimeProvider = TimeProvider, SlowConsumerTimeout = SlowConsumerTimeout };
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

    public TimeSpan RequestTimeout { get; }

    public int MaxPendingRequests { get; }

    public int MaxFrameLength { get; }

    public int SendLimit { get; }

    /// <summary>Above this many bytes a corked batch goes out. Well below <see cref="SendLimit"/>: a batch alone never overflows it.</summary>
    public int CorkLimit => Math.Clamp(SendLimit / 4, HighWaterMark, MostCorked);

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
    public TransportContext TransportContext { get; }

    /// <summary>Of the server or client, for metrics and traces.</summary>
    public string? Name { get; }

    /// <summary>What is measured of all that have this role and name.</summary>
    public OwnerMetrics Metrics { get; }

    /// <summary>For log lines that many peers can bring about.</summary>
    public FloodGates Floods { get; }

    /// <summary>The handlers that have held an event loop: once may be chance.</summary>
    public FirstTimes HeldLoops { get; } = new();

    public static TimeSpan Positive(TimeSpan value, string role, string name, string orElse = "") => value > TimeSpan.Zero && value.TotalMilliseconds <= int.MaxValue
        ? value
        : throw new OptionsException($"{role}.{name}", $"{value} is out of range; type a time above zero and below 24 days, such as TimeSpan.FromSeconds(10){orElse}");

    public static int InRange(int value, int least, int most, string role, string name) => value >= least && value <= most
        ? value
        : throw new OptionsException($"{role}.{name}", $"{value} is out of range; type a number from {least:N0} to {most:N0}");

    private static T NotNull<T>(T? value, string role, string name, string example)
        where T : class => value ?? throw new OptionsException($"{role}.{name}", $"is null; type {example}, or leave it out");
}
