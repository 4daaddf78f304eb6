using System.Diagnostics;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>Handler calls and requests that metrics or traces look at. Only who listens spends anything on it.</summary>
internal static class ObservedCalls
{
    /// <summary>Calls a handler with a message. What it throws becomes the task's exception.</summary>
    /// <param name="handler">The handler.</param>
    /// <param name="connection">Its connection.</param>
    /// <param name="message">The message.</param>
    /// <param name="settings">Who listens.</param>
    /// <param name="timed">The call is timed.</param>
    public static ValueTask Call(
        ConnectionHandler handler, IConnection connection, ReadOnlyMemory<byte> message, ConnectionSettings settings, bool timed)
    {
        var span = SocketKitActivities.AreWanted ? SocketKitActivities.Handle(settings.Metrics, connection, message.Length) : null;
        var began = timed ? settings.TimeProvider.GetTimestamp() : 0;
        ValueTask call;
        try
        {
            call = handler.OnMessageAsync(connection, message);
        }
#pragma warning disable CA1031 // A handler is user code: whatever it throws ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            call = ValueTask.FromException(exception);
        }

        if (!call.IsCompleted)
        {
            return CallAsync(call, settings, timed, began, span);
        }

        if (call.IsCompletedSuccessfully)
        {
            End(settings, timed, began, span, null);
            call.GetAwaiter().GetResult();
            return default;
        }

        var failed = call.AsTask();
        End(settings, timed, began, span, failed.Exception?.InnerException ?? new OperationCanceledException());
        return new ValueTask(failed);
    }

    /// <summary>Makes a request in a span of its own.</summary>
    public static async Task<Message> RequestAsync(
        IConnection connection, int length, RequestOptions options, ConnectionSettings settings, Func<ValueTask<Message>> request)
    {
        // An asynchronous method: the caller's current span is its own again when this returns.
        var span = SocketKitActivities.Request(settings.Metrics, connection, length, options.CorrelationId);
        try
        {
            var response = await request().ConfigureAwait(false);
            SocketKitActivities.End(span);
            return response;
        }
        catch (Exception exception)
        {
            SocketKitActivities.End(span, exception.GetType().FullName, LogText.MessageOf(exception));
            throw;
        }
    }

    private static async ValueTask CallAsync(ValueTask call, ConnectionSettings settings, bool timed, long began, Activity? span)
    {
        try
        {
            // Where the handler comes back to, its drain goes on.
            await call.ConfigureAwait(true);
        }
        catch (Exception exception)
        {
            End(settings, timed, began, span, exception);
            throw;
        }

        End(settings, timed, began, span, null);
    }

    private static void End(ConnectionSettings settings, bool timed, long began, Activity? span, Exception? failure)
    {
        var error = failure?.GetType().FullName;
        if (timed)
        {
            settings.Metrics.Record(SocketKitMetrics.HandlerDuration, settings.TimeProvider.GetElapsedTime(began), error);
        }

        SocketKitActivities.End(span, error, failure is null ? null : LogText.MessageOf(failure));
    }
}
