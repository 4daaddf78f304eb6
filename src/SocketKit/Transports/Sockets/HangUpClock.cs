using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Clock;

namespace SocketKit.Transports.Sockets;

/// <summary>Looks at the sockets of those who ask for <see cref="Transport.HungUp"/>, at each tick of the process's clock. Those that are
/// received from are passed over; it rests while there are none.</summary>
internal static class HangUpClock
{
    private static readonly Lock Lock = new();

    // Newcomers, under the lock; the others belong to the tick.
    private static readonly List<SocketTransport> New = [];
    private static readonly List<SocketTransport> Watched = [];
    private static IDisposable? _ticks;
    private static int _ticking;

    /// <summary>Looks at a socket from now on, until it has hung up or is released.</summary>
    public static void Watch(SocketTransport transport)
    {
        lock (Lock)
        {
            New.Add(transport);
            _ticks ??= SystemTicker.Subscribe(Tick, NullLogger.Instance);
        }

        SystemTicker.Ensure();
    }

    private static void Tick()
    {
        // A tick that was held up may come beside the next one.
        if (Interlocked.Exchange(ref _ticking, 1) != 0)
        {
            return;
        }

        try
        {
            lock (Lock)
            {
                Watched.AddRange(New);
                New.Clear();
                if (Watched.Count == 0)
                {
                    _ticks?.Dispose();
                    _ticks = null;
                    return;
                }
            }

            Watched.RemoveAll(static transport => !transport.LookForHangUp());
        }
        finally
        {
            Volatile.Write(ref _ticking, 0);
        }
    }
}
