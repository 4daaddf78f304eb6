using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SocketKit.Transports.Epoll;

/// <summary>The process's event loops: one for each processor, each with a thread from its first connection on.</summary>
internal sealed class EpollEngine
{
    private static readonly Lazy<EpollEngine?> Shared = new(TryCreate);

    private readonly EpollLoop[] _loops;
    private int _next;

    internal EpollEngine(int loops)
    {
        var threads = new LoopThreads();
        var monitor = new LoopMonitor(threads);
        _loops = new EpollLoop[loops];
        for (var i = 0; i < loops; i++)
        {
            _loops[i] = new EpollLoop(threads, monitor);
        }
    }

    /// <summary>True where the engine runs: Linux on x64 or arm64, and the kernel (or the sandbox around it) offers epoll.</summary>
    public static bool IsSupported => Shared.Value is not null;

    /// <summary>The one of this process.</summary>
    /// <exception cref="PlatformNotSupportedException">There is none here.</exception>
    public static EpollEngine Instance => Shared.Value ?? throw new PlatformNotSupportedException("SocketEngine.Epoll needs Linux on x64 or arm64, and a kernel that offers epoll; type SocketEngine.Auto");

    /// <summary>The loop for the next connection: they take turns.</summary>
    public EpollLoop NextLoop() => _loops[(uint)Interlocked.Increment(ref _next) % (uint)_loops.Length];

    private static EpollEngine? TryCreate()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture is not (Architecture.X64 or Architecture.Arm64))
        {
            return null;
        }

        try
        {
            return Descriptor.CanCloseBehind ? new EpollEngine(Environment.ProcessorCount) : null;
        }
        catch (Exception exception) when (exception is SocketException or DllNotFoundException or EntryPointNotFoundException)
        {
            // A sandbox that refuses the calls, or a C library without them: the portable engine serves.
            return null;
        }
    }
}
