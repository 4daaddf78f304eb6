using System.Diagnostics;

namespace SocketKit;

/// <summary>What a client needs to connect: a dialer and a framer.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class SocketClientOptions : ConnectionOptions
{
    /// <summary>Where to connect to; see <see cref="Dial"/>. No default: it must be set.</summary>
    public Dialer? Dialer { get; set; }

    /// <summary>How long one dial may take over all addresses of the name. Default: 5 s. Range: above 0, up to 24.8 days, or
    /// <see cref="Timeout.InfiniteTimeSpan"/>: as long as the system tries, for TCP about two minutes for each address.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// When to dial again after a failed attempt or a lost connection. Default: null, never. See <see cref="BackoffReconnect"/>.
    /// </summary>
    public IReconnectPolicy? Reconnect { get; set; }

    /// <summary>
    /// Runs on every new connection before anything else is sent (log in, subscribe); sends and requests made on the client meanwhile wait
    /// behind it, until the open deadline. When it throws, the attempt has failed; <see cref="RejectedException"/> ends reconnecting.
    /// Default: none.
    /// </summary>
    public Func<IConnection, CancellationToken, ValueTask>? OnOpening { get; set; }

    /// <summary>For people and debuggers: <c>SocketClientOptions: tcp://127.0.0.1:9000; LinesFramer, Any; NoHeartbeat</c>.</summary>
    public override string ToString() => Describe(nameof(SocketClientOptions), Dialer is null ? "no dialer" : LogText.NameOf(Dialer));
}
