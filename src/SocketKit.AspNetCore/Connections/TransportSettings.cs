using System.Buffers;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace SocketKit.AspNetCore.Connections;

/// <summary>The checked copy of <see cref="SocketKitTransportOptions"/>, and what all connections share.</summary>
internal sealed class TransportSettings
{
    public TransportSettings(IOptions<SocketKitTransportOptions> options, ILoggerFactory loggers, IMemoryPoolFactory<byte>? pools = null)
    {
        var given = options.Value;
        if (given.Backlog < 1)
        {
            throw new OptionsException("SocketKitTransportOptions.Backlog", $"{given.Backlog} is out of range; type a number from 1 up");
        }

        var userTimeout = PositiveOrInfinite(given.UserTimeout, nameof(given.UserTimeout));
        Listen = new TcpListenOptions
        {
            Engine = given.Engine,
            Backlog = given.Backlog,
            ReusePort = given.ReusePort,
            KeepAlive = given.KeepAlive,
            UserTimeout = userTimeout,
        };
        Dial = new TcpDialOptions { Engine = given.Engine, KeepAlive = given.KeepAlive, UserTimeout = userTimeout };
        FlushTimeout = PositiveOrInfinite(given.FlushTimeout, nameof(given.FlushTimeout));
        CloseTimeout = Positive(given.CloseTimeout, nameof(given.CloseTimeout));
        TimeProvider = given.TimeProvider ?? throw new OptionsException("SocketKitTransportOptions.TimeProvider", "is null; type TimeProvider.System, or leave it out");
        Logger = SafeLogging.CreateLogger(loggers, "SocketKit.AspNetCore");
        Services = new TransportServices { Logger = Logger, TimeProvider = TimeProvider };
        MemoryPool = pools?.Create() ?? MemoryPool<byte>.Shared;
    }

    public TcpListenOptions Listen { get; }

    public TcpDialOptions Dial { get; }

    public TimeSpan FlushTimeout { get; }

    public TimeSpan CloseTimeout { get; }

    public TimeProvider TimeProvider { get; }

    public ILogger Logger { get; }

    /// <summary>For listeners and dialers.</summary>
    public TransportServices Services { get; }

    /// <summary>For what Kestrel itself buffers.</summary>
    public MemoryPool<byte> MemoryPool { get; }

    private static TimeSpan PositiveOrInfinite(TimeSpan value, string name) =>
        value == Timeout.InfiniteTimeSpan ? value : Positive(value, name);

    // The bounds are those of the core's options: what a wait takes in milliseconds.
    private static TimeSpan Positive(TimeSpan value, string name) => value > TimeSpan.Zero && value.TotalMilliseconds <= int.MaxValue
        ? value
        : throw new OptionsException("SocketKitTransportOptions." + name, $"{value} is out of range; type a time above zero and below 24 days, such as TimeSpan.FromSeconds(10)");
}
