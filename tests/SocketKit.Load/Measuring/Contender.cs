using SocketKit.Load.Serving;

namespace SocketKit.Load.Measuring;

/// <summary>A server that takes part in a comparison.</summary>
/// <param name="Name">What the user types.</param>
/// <param name="Title">What tables show.</param>
/// <param name="Arguments">For <c>serve</c>; null is the C server.</param>
internal sealed record Contender(string Name, string Title, string[]? Arguments)
{
    public const string C = "c";
    public const string Kestrel = "kestrel";
    public const string EpollMetrics = "epoll-metrics";

    /// <summary>The argument of a server that speaks TLS.</summary>
    public const string Tls = "--tls";

    public static readonly Contender[] All =
    [
        new("epoll", "SocketKit, epoll engine", ["--kind", "socketkit", "--engine", "epoll"]),
        new("sockets", "SocketKit, portable engine", ["--kind", "socketkit", "--engine", "sockets"]),
        new(EpollMetrics, "SocketKit, epoll engine, every instrument collected", ["--kind", "socketkit", "--engine", "epoll", "--telemetry", ServeOptions.Metrics]),
        new(C, "C, epoll", null),
        new("c-direct", "C, epoll, no output buffer", null),
        new("plain", "plain `Socket` loop", ["--kind", "plain"]),
        new("batched", "plain `Socket` loop, batched", ["--kind", "batched"]),
        new(Kestrel, "Kestrel `ConnectionHandler`", ["--kind", "kestrel"]),
        new("dotnetty", "DotNetty", ["--kind", "dotnetty"]),
    ];

    /// <summary>The web app on both transports; frames are nothing to it.</summary>
    public static readonly Contender[] Http =
    [
        new(ServeOptions.HttpSocketKit, "Kestrel on SocketKit's transport", ["--kind", ServeOptions.HttpSocketKit]),
        new(ServeOptions.Http, "Kestrel on its own transport", ["--kind", ServeOptions.Http]),
    ];

    /// <summary>The same over HTTP/2.</summary>
    public static readonly Contender[] Http2 = [.. Http.Select(one => one with { Arguments = [.. one.Arguments!, "--http2"] })];

    /// <summary>Why it cannot take part here, or null.</summary>
    public string? Missing => Name switch
    {
        "epoll" or EpollMetrics => EngineChoice.Missing("epoll"),
        _ => Arguments is null ? CEcho.Missing : null,
    };

    /// <summary>If it is the library's own, with handlers to choose from.</summary>
    public bool IsOurs => Name is "epoll" or "sockets" or EpollMetrics;

    /// <summary>The same over TLS.</summary>
    public Contender OverTls() => this with { Title = Title.Replace("`Socket`", "`SslStream`", StringComparison.Ordinal) + ", TLS", Arguments = [.. Arguments!, Tls] };

    /// <summary>Why it cannot take part over TLS, or null.</summary>
    public string? MissingOverTls => Missing ?? (Arguments is [_, var kind, ..] && ServeOptions.TlsKinds.Contains(kind) ? null : "it does not speak TLS");

    /// <summary>Those with these names that can take part, and a line for each that cannot.</summary>
    /// <param name="names">Who was asked for.</param>
    /// <param name="why">Why one cannot take part, or null; by default <see cref="Missing"/>.</param>
    /// <exception cref="ArgumentException">A name is unknown.</exception>
    public static (Contender[] Present, string[] Missing) Choose(IEnumerable<string> names, Func<Contender, string?>? why = null)
    {
        why ??= static one => one.Missing;
        var chosen = names
            .Select(name => All.FirstOrDefault(one => one.Name == name) ?? throw new ArgumentException($"No server is called {name}; known are {string.Join(", ", All.Select(one => one.Name))}."))
            .ToLookup(one => why(one) is null);
        return ([.. chosen[true]], [.. chosen[false].Select(one => $"{one.Title} is left out: {why(one)}.")]);
    }
}
