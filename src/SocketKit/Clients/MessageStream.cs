using SocketKit.Connections;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

/// <summary>
/// The messages of a client without a handler, as one stream that lives across reconnects. Until somebody enumerates, the newest are kept
/// up to the mailbox's bounds; from then on a full stream holds the handler call back, and so, by way of the mailbox, the reading.
/// </summary>
internal sealed class MessageStream(ConnectionSettings settings) : ConnectionHandler, IAsyncEnumerable<Message>
{
    private readonly Lock _lock = new();
    private readonly Queue<Message> _messages = new();
    private TaskCompletionSource? _arrival;
    private TaskCompletionSource? _room;
    private long _bytes;
    private bool _enumerated;
    private bool _completed;
    private bool _dropping;

    private bool IsFull => _messages.Count >= ConnectionSettings.MailboxMessages || _bytes >= ConnectionSettings.MailboxBytes;

    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        TaskCompletionSource? arrival;
        Task? room = null;
        var dropped = false;
        lock (_lock)
        {
            if (_completed)
            {
                return default;
            }

            while (!_enumerated && _messages.Count > 0 && (_messages.Count >= ConnectionSettings.MailboxMessages || _bytes + message.Length > ConnectionSettings.MailboxBytes))
            {
                Take().Dispose();
                settings.Metrics.Count(SocketKitMetrics.DroppedMessages);
                dropped = !_dropping;
                _dropping = true;
            }

            _messages.Enqueue(Message.Copy(message, settings.TextEncoding));
            _bytes += message.Length;
            (arrival, _arrival) = (_arrival, null);
            if (_enumerated && IsFull)
            {
                room = (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
        }

        if (dropped)
        {
            Log.MessagesDropped(settings.Logger, ConnectionSettings.MailboxMessages, ConnectionSettings.MailboxBytes);
        }

        arrival?.TrySetResult();
        return room is null ? default : new ValueTask(room);
    }

    public async IAsyncEnumerator<Message> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            if (_enumerated)
            {
                throw new InvalidOperationException("The client's Messages are being read already; the stream has one consumer");
            }

            _enumerated = true;
            _dropping = false;
        }

        try
        {
            while (true)
            {
                Message? message = null;
                Task? arrival = null;
                TaskCompletionSource? room = null;
                lock (_lock)
                {
                    if (_messages.Count > 0)
                    {
                        message = Take();
                        if (!IsFull)
                        {
                            (room, _room) = (_room, null);
                        }
                    }
                    else if (_completed)
                    {
                        yield break;
                    }
                    else
                    {
                        arrival = (_arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                    }
                }

                room?.TrySetResult();
                if (message is not null)
                {
                    yield return message;
                }
                else
                {
                    await arrival!.WaitAsync(cancellationToken).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            TaskCompletionSource? room;
            lock (_lock)
            {
                _enumerated = false;
                (room, _room) = (_room, null);
            }

            room?.TrySetResult();
        }
    }

    /// <summary>Ends the stream: what is there can still be read.</summary>
    public void Complete()
    {
        TaskCompletionSource? arrival, room;
        lock (_lock)
        {
            _completed = true;
            (arrival, _arrival) = (_arrival, null);
            (room, _room) = (_room, null);
        }

        arrival?.TrySetResult();
        room?.TrySetResult();
    }

    private Message Take()
    {
        var message = _messages.Dequeue();
        _bytes -= message.Length;
        return message;
    }
}
