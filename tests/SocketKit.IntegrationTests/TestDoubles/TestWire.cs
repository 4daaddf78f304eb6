using System.Net;
using SocketKit.PassThrough;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>
/// What the tests' servers listen on: TCP on loopback, or, for the classes that ask for it, a Unix socket or a decorator that changes
/// nothing. Only for the flow of the test that runs.
/// </summary>
internal static class TestWire
{
    private static readonly AsyncLocal<bool> Unix = new();
    private static readonly AsyncLocal<bool> PassThrough = new();
    private static int _sockets;

    public static bool IsUnix => Unix.Value;

    /// <summary>An abort shows as a reset. The kernel's Unix sockets know none, except of unread bytes.</summary>
    public static bool HasResets => !IsUnix;

    /// <summary>From the constructor of a test class on, its servers listen on Unix sockets.</summary>
    public static void UseUnix() => Unix.Value = true;

    /// <summary>
    /// From the constructor of a test class on, a decorator that changes nothing is around each connection of its servers.
    /// </summary>
    public static void UsePassThrough() => PassThrough.Value = true;

    /// <summary>A path that is nobody else's, short enough, and not in use yet.</summary>
    public static string NewPath() => Path.Combine(Path.GetTempPath(), $"socketkit-{Environment.ProcessId}-{Interlocked.Increment(ref _sockets)}.sock");

    /// <summary>A listener on an address of its own.</summary>
    public static Listener Listen(int backlog = 512) => Decorate(IsUnix
        ? TestEngine.ListenUnix(NewPath(), new UnixListenOptions { Backlog = backlog })
        : TestEngine.Listen("127.0.0.1", 0, new TcpListenOptions { Backlog = backlog }));

    /// <summary>A listener on an address that another had before.</summary>
    public static Listener ListenAgain(EndPoint endPoint) => Decorate(endPoint is UnixEndPoint unix ? TestEngine.ListenUnix(unix.Path!) : TestEngine.Listen((IPEndPoint)endPoint));

    private static Listener Decorate(Listener listener) => PassThrough.Value ? new PassThroughListener(listener) : listener;
}
