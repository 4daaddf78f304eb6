using System.ComponentModel;
using System.Runtime.InteropServices;

namespace SocketKit.Load.Driving;

/// <summary>
/// Linux: one edge-triggered epoll set, and system calls without anything in between: the load must cost less than the server that it
/// measures.
/// </summary>
internal sealed unsafe partial class EpollPoller : Poller
{
    private const int MaxEvents = 256;
    private const int Interrupted = 4;
    private const int Again = 11;
    private const int NoSignal = 0x4000;
    private const int CloseOnExec = 0x80000;
    private const uint In = 0x1;
    private const uint Out = 0x4;
    private const uint Error = 0x8;
    private const uint HangUp = 0x10;
    private const uint PeerHungUp = 0x2000;
    private const uint EdgeTriggered = 1u << 31;

    // struct epoll_event is packed on x64 only.
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int DataOffset = EventSize - sizeof(long);

    private readonly int _set = Checked(epoll_create1(CloseOnExec), "epoll_create1");
    private readonly byte* _events = (byte*)NativeMemory.AllocZeroed((nuint)(MaxEvents * EventSize));
    private readonly List<Link?> _links = [];
    private readonly Stack<int> _free = [];
    private readonly Dictionary<Link, int> _places = [];

    public override void Add(Link link)
    {
        if (!_free.TryPop(out var place))
        {
            place = _links.Count;
            _links.Add(null);
        }

        _links[place] = link;
        _places[link] = place;
        var one = stackalloc byte[EventSize];
        *(uint*)one = In | Out | PeerHungUp | EdgeTriggered;
        *(long*)(one + DataOffset) = place;
        Checked(epoll_ctl(_set, operation: 1, link.Descriptor, one), "epoll_ctl");
    }

    public override void Remove(Link link)
    {
        if (_places.Remove(link, out var place))
        {
            _links[place] = null;
            _free.Push(place);
            var unused = stackalloc byte[EventSize];
            Checked(epoll_ctl(_set, operation: 2, link.Descriptor, unused), "epoll_ctl");
        }
    }

    public override int Wait(Ready[] ready, int milliseconds)
    {
        var count = epoll_wait(_set, _events, Math.Min(MaxEvents, ready.Length), milliseconds);
        if (count < 0)
        {
            return Marshal.GetLastPInvokeError() == Interrupted ? 0 : throw new Win32Exception(Marshal.GetLastPInvokeError(), "epoll_wait");
        }

        var found = 0;
        for (var i = 0; i < count; i++)
        {
            var what = *(uint*)(_events + (i * EventSize));
            if (_links[(int)*(long*)(_events + (i * EventSize) + DataOffset)] is { } link)
            {
                var hungUp = (what & (PeerHungUp | HangUp | Error)) != 0;
                ready[found++] = new Ready(link, Read: (what & In) != 0 || hungUp, Write: (what & Out) != 0, hungUp);
            }
        }

        return found;
    }

    public override int ReceiveBytes(Link link, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            while (true)
            {
                var count = recv(link.Descriptor, start, (nuint)buffer.Length, 0);
                if (count >= 0 || !Retry(link))
                {
                    return (int)count;
                }
            }
        }
    }

    public override int SendBytes(Link link, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            while (true)
            {
                var count = send(link.Descriptor, start, (nuint)bytes.Length, NoSignal);
                if (count >= 0 || !Retry(link))
                {
                    return (int)count;
                }
            }
        }
    }

    public override void Dispose()
    {
        _ = close(_set);
        NativeMemory.Free(_events);
    }

    /// <summary>True after an interruption, false when the call would have blocked.</summary>
    private static bool Retry(Link link) => Marshal.GetLastPInvokeError() switch
    {
        Interrupted => true,
        Again => false,
        var error => throw new IOException($"Connection {link.Index}: {new Win32Exception(error).Message}"),
    };

    private static int Checked(int result, string call) => result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError(), call);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int set, int operation, int descriptor, byte* oneEvent);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int set, byte* events, int max, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int descriptor, byte* bytes, nuint length, int flags);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
