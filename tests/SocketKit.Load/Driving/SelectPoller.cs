using System.Net.Sockets;

namespace SocketKit.Load.Driving;

/// <summary>
/// Elsewhere than on Linux: select over all links. Dearer with every link, and good enough to try the tool; figures of such a run say so.
/// </summary>
internal sealed class SelectPoller : Poller
{
    private readonly Dictionary<Socket, Link> _links = [];

    public override void Add(Link link) => _links.Add(link.Socket, link);

    public override void Remove(Link link) => _links.Remove(link.Socket);

    public override int Wait(Ready[] ready, int milliseconds)
    {
        var reading = _links.Keys.ToList();
        // A link with messages to write that it is not told of is one that the system has refused once.
        var writing = _links.Values.Where(link => link.Quota > 0).Select(link => link.Socket).ToList();
        if (reading.Count == 0)
        {
            Thread.Sleep(milliseconds);
            return 0;
        }

        Socket.Select(reading, writing, null, TimeSpan.FromMilliseconds(milliseconds));
        var found = 0;
        var readable = reading.ToHashSet();
        foreach (var socket in writing)
        {
            ready[found++] = new Ready(_links[socket], Read: readable.Remove(socket), Write: true, HungUp: false);
        }

        foreach (var socket in readable)
        {
            ready[found++] = new Ready(_links[socket], Read: true, Write: false, HungUp: false);
        }

        return found;
    }

    public override int ReceiveBytes(Link link, Span<byte> buffer) => Result(link, link.Socket.Receive(buffer, SocketFlags.None, out var error), error);

    public override int SendBytes(Link link, ReadOnlySpan<byte> bytes) => Result(link, link.Socket.Send(bytes, SocketFlags.None, out var error), error);

    public override void Dispose() => _links.Clear();

    private static int Result(Link link, int count, SocketError error) => error switch
    {
        SocketError.Success => count,
        SocketError.WouldBlock or SocketError.IOPending => WouldBlock,
        _ => throw new IOException($"Connection {link.Index}: {new SocketException((int)error).Message}"),
    };
}
