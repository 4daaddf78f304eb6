using Microsoft.Extensions.Logging;
using SocketKit.Clock;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>The checked copy of <see cref="ConnectionOptions"/> that all connections of one server or client share.</summary>
internal sealed class ConnectionSettings : ProtocolSettings
{
    public const int ReceiveBufferSize = 16 * 1024;
    public const int MailboxMessages = 256;
    public const int MailboxBytes = 256 * 1024;

    /// <summary>A turn ends after this many receives that found data waiting, so that a flood does not starve the others.</summary>
    public const int ReceivesPerTurn = 16;

    /// <summary>
    /// A turn also ends after this many messages: one receive may bring tens of thousands, and what each costs is the handler's affair.
    /// </summary>
    public const int MessagesPerTurn = 1000;

    public const int LongestName = 100;

    public ConnectionSettings(ConnectionOptions options, string role, bool handlerRequired)
        : base(options, role, handlerRequired)
    {
        SlowConsumerTimeout = Positive(options.SlowConsumerTimeout, role, nameof(options.SlowConsumerTimeout),
            "a peer that takes nothing would keep what waits for it in memory");
        OpenTimeout = Positive(options.OpenTimeout, role, nameof(options.OpenTimeout),
            "a peer that never ends its handshake would keep its place");
        CloseTimeout = Positive(options.CloseTimeout, role, nameof(options.CloseTimeout),
            "a peer that never finishes would keep a closed connection");
        HalfCloseTimeout = PositiveOrInfinite(options.HalfCloseTimeout, role, nameof(options.HalfCloseTimeout));
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

    public TimeSpan SlowConsumerTimeout { get; }

    public TimeSpan OpenTimeout { get; }

    public TimeSpan CloseTimeout { get; }

    /// <summary>Negative: for ever.</summary>
    public TimeSpan HalfCloseTimeout { get; }

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
}
