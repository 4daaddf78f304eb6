using System.Runtime.CompilerServices;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// What metrics and traces want of a connection. The receive loop asks once per batch who listens; while nobody does, a message passes
// nothing of this. Counts are added per batch.
internal sealed partial class Connection
{
    /// <summary>Monotonic time of the beginning, in ticks of 100 ns.</summary>
    private readonly long _began;

    /// <summary>As it was when the batch was received. The receive loop's.</summary>
    private Wanted _wanted;

    [Flags]
    private enum Wanted : byte
    {
        Nothing = 0,

        /// <summary>Bytes and messages are counted.</summary>
        Traffic = 1,

        /// <summary>The next inline call of the handler is timed.</summary>
        Time = 2,

        /// <summary>Each call has a span.</summary>
        Spans = 4,
    }

    /// <summary>What the connection holds, for gauges. Takes the lock, from any thread.</summary>
    public (long QueuedBytes, int Buffers) Holdings
    {
        get
        {
            using (_lock.Enter())
            {
                return (_sends.Queued, (_input.HoldsArray ? 1 : 0) + _sends.Arrays + _handlers.Count + (_handlers.IsBusy ? 1 : 0));
            }
        }
    }

    private static Wanted AskListeners() =>
        (SocketKitMetrics.CountsTraffic ? Wanted.Traffic : 0)
        | (SocketKitMetrics.HandlerDuration.Enabled ? Wanted.Time : 0)
        | (SocketKitActivities.AreWanted ? Wanted.Spans : 0);

    /// <summary>The transport has taken the batch. The flusher's.</summary>
    private void CountSent(int bytes)
    {
        _totals.AddSent(_sends.MessagesTaken, CoarseAge);
        if (SocketKitMetrics.CountsTraffic)
        {
            _settings.Metrics.Traffic.AddSent(bytes, _sends.MessagesTaken);
        }
    }

    /// <summary>The handler's call for a message of the receive loop.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ValueTask CallInline(ReadOnlyMemory<byte> message, int me) =>
        (_wanted & (Wanted.Time | Wanted.Spans)) == 0 ? Call(message, me) : CallWanted(message, me);

    private ValueTask CallWanted(ReadOnlyMemory<byte> message, int me)
    {
        var timed = (_wanted & Wanted.Time) != 0;
        _wanted &= ~Wanted.Time;
        return CallObserved(message, me, timed);
    }

    /// <summary>The handler's call for a message of the mailbox.</summary>
    /// <param name="message">The message.</param>
    /// <param name="me">This thread.</param>
    /// <param name="first">It is the first of a batch.</param>
    private ValueTask CallFromMailbox(ReadOnlyMemory<byte> message, int me, bool first)
    {
        var timed = first && SocketKitMetrics.HandlerDuration.Enabled;
        return timed || SocketKitActivities.AreWanted ? CallObserved(message, me, timed) : Call(message, me);
    }

    private ValueTask CallObserved(ReadOnlyMemory<byte> message, int me, bool timed)
    {
        // The span belongs to the handler's context, not to that of the last call.
        Cork(me);
        _handlers.BeginCall();
        return ObservedCalls.Call(_handler!, this, message, _settings, timed);
    }
}
