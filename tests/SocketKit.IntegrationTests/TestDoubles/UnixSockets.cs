using System.Net.Sockets;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>Plain sockets of the Unix family.</summary>
internal static class UnixSockets
{
    public static Socket New() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>One that has a path, and does not listen.</summary>
    public static Socket Bound(string path) => Bind(New(), path);

    /// <summary>One that listens, and accepts when the test says so.</summary>
    public static Socket Listening(string path, int backlog)
    {
        var socket = Bound(path);
        socket.Listen(backlog);
        return socket;
    }

    /// <summary>A datagram socket that has a path.</summary>
    public static Socket Datagrams(string path) => Bind(new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified), path);

    /// <summary>Leaves at a path what a process leaves that was killed while it listened.</summary>
    public static void Abandon(string path) => Listening(path, backlog: 1).Dispose();

    private static Socket Bind(Socket socket, string path)
    {
        socket.Bind(new UnixEndPoint(path));
        return socket;
    }
}
