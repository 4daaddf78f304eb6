using System.Net;
using System.Net.Sockets;
using SocketKit.Transports.Epoll;
using SocketKit.Transports.Sockets;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>
/// The engine that these tests run on. They are compiled twice: one project takes what the system has (Auto), the other the portable
/// engine.
/// </summary>
internal static class TestEngine
{
    private const SocketEngine Asked =
#if PORTABLE_ENGINE
        SocketEngine.Sockets;
#else
        SocketEngine.Auto;
#endif

    /// <summary>The choice, as options and the test peer take it.</summary>
    public static SocketEngine Engine { get; } = Asked;

    /// <summary>What the choice comes to on this system.</summary>
    public static bool IsEpoll { get; } = SocketEngines.Choose(Asked, nameof(TestEngine)) == SocketEngine.Epoll;

    /// <summary>The engine's way to connect.</summary>
    public static StreamConnect Connect { get; } = IsEpoll ? EpollDial.ConnectAsync : SocketDial.ConnectAsync;

    public static Listener Listen(int port, TcpListenOptions? options = null) => SocketKit.Listen.Tcp(port, With(options));

    public static Listener Listen(string host, int port, TcpListenOptions? options = null) => SocketKit.Listen.Tcp(host, port, With(options));

    public static Listener Listen(IPEndPoint endPoint, TcpListenOptions? options = null) => SocketKit.Listen.Tcp(endPoint, With(options));

    /// <summary>A listener with a resolver of the test's own.</summary>
    public static Listener Listen(EndPoint endPoint, Func<string, CancellationToken, ValueTask<IPAddress[]>> resolve) =>
        IsEpoll ? new EpollListener(new TcpAddress(endPoint, null, resolve)) : new SocketListener(new TcpAddress(endPoint, null, resolve));

    public static Listener ListenUnix(string path, UnixListenOptions? options = null)
    {
        options ??= new UnixListenOptions();
        options.Engine = Engine;
        return SocketKit.Listen.Unix(path, options);
    }

    public static Dialer Dial(string host, int port) => SocketKit.Dial.Tcp(host, port, new TcpDialOptions { Engine = Engine });

    public static Dialer Dial(EndPoint endPoint) => endPoint is UnixEndPoint unix
        ? SocketKit.Dial.Unix(unix.Path!, new UnixDialOptions { Engine = Engine })
        : SocketKit.Dial.Tcp((IPEndPoint)endPoint, new TcpDialOptions { Engine = Engine });

    public static int GetOption(Transport transport, SocketOptionLevel level, SocketOptionName name)
    {
        using var view = transport.CreateSocketView()!;
        return Convert.ToInt32(view.GetSocketOption(level, name), null);
    }

    /// <summary>Linux's own option, by the kernel's numbers.</summary>
    public static int GetRawOption(Transport transport, int level, int name)
    {
        using var view = transport.CreateSocketView()!;
        var value = new byte[sizeof(int)];
        view.GetRawSocketOption(level, name, value);
        return BitConverter.ToInt32(value);
    }

    /// <summary>Sets the size of the kernel's send buffer.</summary>
    public static void SetSendBuffer(Transport transport, int bytes)
    {
        using var view = transport.CreateSocketView()!;
        view.SendBufferSize = bytes;
    }

    private static TcpListenOptions With(TcpListenOptions? options)
    {
        options ??= new TcpListenOptions();
        options.Engine = Engine;
        return options;
    }
}
