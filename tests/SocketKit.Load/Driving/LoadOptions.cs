using System.Net;

namespace SocketKit.Load.Driving;

/// <summary>A load: what is sent to whom, how fast and for how long.</summary>
/// <param name="Connections">How many.</param>
/// <param name="Depth">Messages in flight per connection; in closed loop.</param>
/// <param name="Size">Bytes of a message, without its length.</param>
internal sealed record LoadOptions(int Connections, int Depth, int Size)
{
    /// <summary>Requests of a web app instead of frames; <see cref="Size"/> is that of a response's body.</summary>
    public static LoadOptions Http(int connections, int depth) => new(connections, depth, HttpTraffic.BodyLength) { IsHttp = true };

    public bool IsHttp { get; private init; }

    public EndPoint Server { get; init; } = new IPEndPoint(IPAddress.Loopback, 0);

    /// <summary>How long is measured.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the same load runs before that: the compiler optimizes what is hot for some seconds, and its time is not the messages'.
    /// </summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Open loop: messages per second over all connections, sent when they are due. Null: closed loop.</summary>
    public double? Rate { get; init; }

    public int Threads { get; init; } = 1;

    /// <summary>The processor of the first thread; the others follow. Null: anywhere.</summary>
    public int? FirstProcessor { get; init; }

    /// <summary>Of so many connections the first is left out of the figures. 0: none is.</summary>
    public int ExcludeEvery { get; init; }

    /// <summary>
    /// Never sleep while waiting for replies: takes the time of waking up out of the latency, at the price of a whole processor.
    /// </summary>
    public bool Spin { get; init; }

    /// <summary>Wait with select on Linux too, as on other systems.</summary>
    public bool Portable { get; init; }

    /// <summary>A few words for progress lines.</summary>
    public string Text => string.Create(null, $"{(Connections == 1 ? "1 connection" : $"{Connections} connections")}, {SizeText}, {(Rate is { } rate ? string.Create(null, $"{rate:N0} messages/s") : Depth == 1 ? "one at a time" : $"{Depth} in flight")}");

    private string SizeText => IsHttp ? "HTTP" : Size >= 1024 && Size % 1024 == 0 ? $"{Size / 1024} KiB" : $"{Size} B";
}
