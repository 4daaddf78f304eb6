using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using SocketKit.Transports.Epoll;
using SocketKit.Transports.Interop;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>Two connected Unix stream sockets, by socketpair(2).</summary>
internal static partial class UnixPair
{
    private const int Unix = 1;
    private const int Stream = 1;

    /// <summary>Two ends in event loops, each with an address in the file system.</summary>
    public static async ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var folder = Directory.CreateTempSubdirectory("socketkit");
        try
        {
            var left = new UnixDomainSocketEndPoint(Path.Combine(folder.FullName, "left"));
            var right = new UnixDomainSocketEndPoint(Path.Combine(folder.FullName, "right"));
            using var listener = New();
            listener.Bind(right);
            listener.Listen();
            using var dialled = New();
            dialled.Bind(left);
            await dialled.ConnectAsync(right);
            using var accepted = await listener.AcceptAsync();
            return (Transport(Duplicate(dialled), right), Transport(Duplicate(accepted), left));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    public static EpollTransport Transport(Descriptor descriptor, EndPoint? remote = null) =>
        new(new EpollSocket(EpollEngine.Instance.NextLoop(), descriptor, tcp: false), new PeerAddress(remote));

    /// <summary>The descriptors alone.</summary>
    public static unsafe (Descriptor Left, Descriptor Right) Open()
    {
        var numbers = stackalloc int[2];
        SocketPair(Unix, Stream | Native.SocketNonBlocking | Native.SocketCloseOnExec, 0, numbers).Should().Be(0);
        return (new Descriptor(numbers[0]), new Descriptor(numbers[1]));
    }

    /// <summary>Writes to a raw end.</summary>
    public static unsafe void Write(Descriptor descriptor, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            Native.Send(descriptor.Number, start, bytes.Length, Native.MessageNoSignal).Should().Be(bytes.Length);
        }
    }

    /// <summary>Takes what is in a raw end.</summary>
    /// <returns>How many bytes there were.</returns>
    public static unsafe long Drain(Descriptor descriptor)
    {
        var buffer = stackalloc byte[4096];
        for (var total = 0L; ;)
        {
            var count = Native.Receive(descriptor.Number, buffer, 4096, Native.MessageDontWait);
            if (count <= 0)
            {
                return total;
            }

            total += count;
        }
    }

    private static Socket New() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    private static Descriptor Duplicate(Socket socket)
    {
        var number = Native.FileControl((int)socket.Handle, Native.DuplicateCloseOnExec, 0);
        number.Should().BePositive();
        Native.FileControl(number, Native.SetFlags, Native.SocketNonBlocking).Should().Be(0);
        return new Descriptor(number);
    }

    [LibraryImport("libc", EntryPoint = "socketpair")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int SocketPair(int domain, int type, int protocol, int* descriptors);
}
