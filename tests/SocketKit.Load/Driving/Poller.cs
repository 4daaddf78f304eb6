namespace SocketKit.Load.Driving;

/// <summary>What a link is ready for. Reading includes its end and its errors.</summary>
internal readonly record struct Ready(Link Link, bool Read, bool Write, bool HungUp);

/// <summary>Waits for many links on one thread, and reads and writes them without blocking. Not thread-safe.</summary>
internal abstract class Poller : IDisposable
{
    public const int WouldBlock = -1;

    /// <param name="portable">The one of all systems, also where there is a better one.</param>
    public static Poller Create(bool portable = false) => OperatingSystem.IsLinux() && !portable ? new EpollPoller() : new SelectPoller();

    public abstract void Add(Link link);

    /// <summary>Forgets a link that is about to be disposed of.</summary>
    public abstract void Remove(Link link);

    /// <summary>
    /// Waits for so long at most and tells how many are ready; there is room for all links in <paramref name="ready"/>. May tell of
    /// readiness only once, so that reading goes on until a short read and writing until <see cref="WouldBlock"/>.
    /// </summary>
    public abstract int Wait(Ready[] ready, int milliseconds);

    /// <summary>The number of bytes, 0 at the end of the stream, or <see cref="WouldBlock"/>.</summary>
    /// <exception cref="IOException">The connection is broken.</exception>
    public int Receive(Link link, Span<byte> buffer) => link.Tls is { } tls ? tls.Receive(this, link, buffer) : ReceiveBytes(link, buffer);

    /// <summary>The number of bytes taken, or <see cref="WouldBlock"/>.</summary>
    /// <exception cref="IOException">The connection is broken.</exception>
    public int Send(Link link, ReadOnlySpan<byte> bytes) => link.Tls is { } tls ? tls.Send(this, link, bytes) : SendBytes(link, bytes);

    /// <summary>The same below TLS.</summary>
    public abstract int ReceiveBytes(Link link, Span<byte> buffer);

    /// <summary>The same below TLS.</summary>
    public abstract int SendBytes(Link link, ReadOnlySpan<byte> bytes);

    public abstract void Dispose();
}
