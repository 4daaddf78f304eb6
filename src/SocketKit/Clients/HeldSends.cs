using System.Diagnostics;
using SocketKit.Connections;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

/// <summary>
/// Messages sent on a client while its connect hook runs: they wait behind it, in the order of the calls. Guarded by the client's lock.
/// </summary>
internal sealed class HeldSends(int limit)
{
    /// <summary>What an item takes beside its bytes, so that empty messages have a bound, too.</summary>
    private const int Overhead = 64;

    private readonly Queue<HeldSend> _items = new();
    private long _bytes;

    public HeldSend Add(ReadOnlyMemory<byte> message, bool isRequest, RequestOptions options, CancellationToken cancellationToken)
    {
        if (_items.Count > 0 && _bytes + message.Length + Overhead > limit)
        {
            throw new ConnectionClosedException(new CloseReason(CloseKind.SlowConsumer, ClosePhase.Opening, CloseParty.Local,
                $"{_bytes} bytes wait for the connect hook; ConnectionOptions.MaxQueuedBytes allows {limit}", null));
        }

        var item = new HeldSend(Message.Copy(message), isRequest, options, cancellationToken);
        _items.Enqueue(item);
        _bytes += message.Length + Overhead;
        return item;
    }

    public bool TryTake(out HeldSend? item)
    {
        if (!_items.TryDequeue(out item))
        {
            return false;
        }

        _bytes -= item.Message.Length + Overhead;
        return true;
    }

    public HeldSend[] Clear()
    {
        var items = _items.ToArray();
        _items.Clear();
        _bytes = 0;
        return items;
    }
}

/// <summary>One of them: its task is the caller's.</summary>
internal sealed class HeldSend(Message message, bool isRequest, RequestOptions options, CancellationToken cancellationToken)
    : TaskCompletionSource<Message?>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    private readonly Activity? _caller = Activity.Current;

    public Message Message { get; } = message;

    /// <summary>Sends it now. The bytes are taken before the first wait, so the order of calls is kept.</summary>
    public async Task SendAsync(Connection connection)
    {
        try
        {
            if (isRequest)
            {
                // For this method only: the request's span belongs to the caller's.
                SafeActivities.MakeCurrent(_caller);
                var response = await connection.RequestAsync(Message.Memory, options, cancellationToken).ConfigureAwait(false);
                if (!TrySetResult(response))
                {
                    response.Dispose();
                }
            }
            else
            {
                await connection.SendAsync(Message.Memory, cancellationToken).ConfigureAwait(false);
                TrySetResult(null);
            }
        }
        catch (OperationCanceledException)
        {
            TrySetCanceled(cancellationToken);
        }
#pragma warning disable CA1031 // The exception is the caller's.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
        finally
        {
            Message.Dispose();
        }
    }

    /// <summary>Fails the caller; one that does not await is no unobserved exception.</summary>
    public void Fail(Exception exception)
    {
        if (TrySetException(exception))
        {
            _ = Task.Exception;
        }
    }
}
