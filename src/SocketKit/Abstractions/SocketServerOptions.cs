using System.Diagnostics;

namespace SocketKit;

/// <summary>What a server needs to start: at least one listener, a framer and a handler.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class SocketServerOptions : ConnectionOptions
{
    /// <summary>Where to listen; see <see cref="Listen"/>. At least one, none of them null.</summary>
    public IList<Listener> Listeners { get; } = [];

    /// <summary>
    /// How many connections may live at once; more are accepted and closed at once, as <see cref="CloseKind.TooManyConnections"/>. Default:
    /// 10,000. At least 1.
    /// </summary>
    public int MaxConnections { get; set; } = 10_000;

    /// <summary>How long a stop lets connections finish what is in flight. Default: 10 s. Range: up to 24.8 days. Zero: abort at once.
    /// Not <see cref="Timeout.InfiniteTimeSpan"/>: one connection that never finishes would keep the stop for ever.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// For people and debuggers: <c>SocketServerOptions gateway: tcp://127.0.0.1:9000; LinesFramer, Any; NoHeartbeat</c>.
    /// </summary>
    public override string ToString() =>
        Describe(nameof(SocketServerOptions), Listeners.Count == 0 ? "no listener" : string.Join(", ", Listeners.Select(LogText.NameOf)));
}
