using SocketKit.Connections;

namespace SocketKit.Clients;

// What users send: on the open connection, or held back while the connect hook runs, or refused at once.
internal sealed partial class ClientSession
{
    /// <summary>The wire stands and the hook runs: sends wait behind it.</summary>
    private Connection? _opening;

    private static CloseReason NotYet { get; } =
        new(CloseKind.LocalClosed, ClosePhase.Connecting, CloseParty.Local, "not connected yet; call ConnectAsync first", null);

    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _open) is { } open)
        {
            return open.SendAsync(message, cancellationToken);
        }

        return TryHold(message, isRequest: false, default, cancellationToken, out var now) is { } held ? new ValueTask(Cancellable(held, cancellationToken)) : now!.SendAsync(message, cancellationToken);
    }

    public ValueTask<Message> RequestAsync(ReadOnlyMemory<byte> request, RequestOptions options, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _open) is { } open)
        {
            return open.RequestAsync(request, options, cancellationToken);
        }

        return TryHold(request, isRequest: true, options, cancellationToken, out var now) is { } held
            ? new ValueTask<Message>(Cancellable(held, cancellationToken)!)
            : now!.RequestAsync(request, options, cancellationToken);
    }

    /// <summary>The task of a message that is held; cancelling abandons the wait for the hook, too.</summary>
    private static Task<Message?> Cancellable(HeldSend held, CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled)
        {
            return held.Task;
        }

        var task = held.Task.WaitAsync(cancellationToken);
        _ = SocketKit.Connections.Connection.Observed(task);
        return task;
    }

    /// <summary>Holds a message while the hook runs. Otherwise gives the connection that has just opened, or throws: not connected.</summary>
    private HeldSend? TryHold(ReadOnlyMemory<byte> message, bool isRequest, RequestOptions options, CancellationToken cancellationToken, out Connection? open)
    {
        lock (_gate)
        {
            open = _open;
            if (open is not null)
            {
                return null;
            }

            if (_opening is { Reason: null } && !_run!.IsCanceled)
            {
                return _held.Add(message, isRequest, options, cancellationToken);
            }

            var reason = _opening?.Reason ?? _lastReason ?? (_run is { IsCanceled: true } run ? Canceled(run) : NotYet);
            throw new ConnectionClosedException(reason);
        }
    }
}
