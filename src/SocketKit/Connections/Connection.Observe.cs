using System.Diagnostics;
using System.Runtime.CompilerServices;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// What metrics and traces want of a connection. The receive loop asks once per batch who listens; while nobody does, a message passes nothing of this. Counts are added per batch.
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

    /// <summary>What the connection holds, for gauges. Takes the gate, from any thread.</summary>
    public (long QueuedBytes, int Buffers) Holdings
    {
        get
        {
            using (_gate.Enter())
            {
                return (_sends.Queued, (_input.HoldsArray ? 1 : 0) + _sends.Arrays + _handlers.Count + (_handlers.IsBusy ? 1 : 0));
            }
        }
    }

    private static Wanted AskListeners() =>
        (SocketKitMetrics.CountsTraffic ? Wanted.Traffic : 0) | (SocketKitMetrics.HandlerDuration.Enabled ? Wanted.Time : 0) | (SocketKitActivities.AreWanted ? Wanted.Spans : 0);

    /// <summary>The wire has taken the batch. The flusher's.</summary>
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
    private ValueTask CallInline(ReadOnlyMemory<byte> message, int me) => (_wanted & (Wanted.Time | Wanted.Spans)) == 0 ? Call(message, me) : CallWanted(message, me);

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
        var span = SocketKitActivities.AreWanted ? SocketKitActivities.Handle(_settings.Metrics, this, message.Length) : null;
        var began = timed ? _settings.TimeProvider.GetTimestamp() : 0;
        ValueTask call;
        try
        {
            call = _handler!.OnMessageAsync(this, message);
        }
#pragma warning disable CA1031 // A handler is user code: whatever it throws ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            call = ValueTask.FromException(exception);
        }

        if (!call.IsCompleted)
        {
            return ObserveAsync(call, timed, began, span);
        }

        if (call.IsCompletedSuccessfully)
        {
            Observed(timed, began, span, null);
            call.GetAwaiter().GetResult();
            return default;
        }

        var failed = call.AsTask();
        Observed(timed, began, span, failed.Exception?.InnerException ?? new OperationCanceledException());
        return new ValueTask(failed);
    }

    private async ValueTask ObserveAsync(ValueTask call, bool timed, long began, Activity? span)
    {
        try
        {
            // Where the handler comes back to, its drain goes on.
            await call.ConfigureAwait(true);
        }
        catch (Exception exception)
        {
            Observed(timed, began, span, exception);
            throw;
        }

        Observed(timed, began, span, null);
    }

    private void Observed(bool timed, long began, Activity? span, Exception? failure)
    {
        var error = failure?.GetType().FullName;
        if (timed)
        {
            _settings.Metrics.Record(SocketKitMetrics.HandlerDuration, _settings.TimeProvider.GetElapsedTime(began), error);
        }

        SocketKitActivities.End(span, error, failure is null ? null : LogText.MessageOf(failure));
    }

    private async Task<Message> RequestInSpanAsync(ReadOnlyMemory<byte> request, RequestOptions options, CancellationToken cancellationToken)
    {
        // An asynchronous method: the caller's current span is its own again when this returns.
        var span = SocketKitActivities.Request(_settings.Metrics, this, request.Length, options.CorrelationId);
        try
        {
            var response = await RequestOnceAsync(request, options, cancellationToken).ConfigureAwait(false);
            SocketKitActivities.End(span);
            return response;
        }
        catch (Exception exception)
        {
            SocketKitActivities.End(span, exception.GetType().FullName, LogText.MessageOf(exception));
            throw;
        }
    }
}
