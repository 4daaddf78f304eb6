using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using SocketKit.Transports.Interop;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.Transports.Sockets;

/// <summary>
/// Accepts connections with blocking calls on a thread of its own, so that a starved thread pool delays no newcomer. <see cref="AcceptAsync"/> completes inline on that thread.
/// The thread accepts only while somebody waits in <see cref="AcceptAsync"/>; the rest waits in the kernel's backlog.
/// </summary>
internal sealed class SocketListener(StreamAddress address) : StreamListener(address), IValueTaskSource<Transport?>
{
    /// <summary>So long is waited for a newcomer at a time, while descriptors are short.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private ManualResetValueTaskSourceCore<Transport?> _pending;
    private bool _accepting;

    /// <summary>The last one that was accepted has one of the descriptors in reserve, or there was none for it. Belongs to the accept
    /// thread.</summary>
    private bool _descriptorsShort;

    public override ValueTask<Transport?> AcceptAsync()
    {
        lock (_gate)
        {
            if (IsStopped)
            {
                return default;
            }

            if (Socket is null || _accepting)
            {
                throw new InvalidOperationException(Socket is null ? "The listener is not bound" : "An accept is under way");
            }

            _accepting = true;
            _pending.Reset();
        }

        var task = new ValueTask<Transport?>(this, _pending.Version);
        _wake.Release();
        return task;
    }

    protected override void Bound(Socket socket) => new Thread(Run) { IsBackground = true, Name = $"SocketKit accept {EndPoint}" }.UnsafeStart();

    protected override void Stopped()
    {
        // The runtime unblocks an accept under way; the address is free when this returns.
        GiveBack();
        _wake.Release();
    }

    Transport? IValueTaskSource<Transport?>.GetResult(short token) => _pending.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<Transport?>.GetStatus(short token) => _pending.GetStatus(token);

    void IValueTaskSource<Transport?>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _pending.OnCompleted(continuation, state, token, flags);

    private void Run()
    {
        while (true)
        {
            _wake.Wait();
            lock (_gate)
            {
                if (!_accepting)
                {
                    if (IsStopped)
                    {
                        return;
                    }

                    continue;
                }
            }

            AcceptOne();
        }
    }

    private void AcceptOne()
    {
        Transport? transport = null;
        Exception? failure = null;
        while (transport is null && failure is null && !IsStopped)
        {
            try
            {
                transport = AcceptNext();
            }
            catch (ObjectDisposedException)
            {
                // Stopped between the check and the call.
                break;
            }
#pragma warning disable CA1031 // Whatever fails, the accept loop is told: a listener that does not accept is dead.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = exception;
            }
        }

        lock (_gate)
        {
            _accepting = false;
        }

        // An error that the stop caused is no error.
        if (failure is not null && !IsStopped)
        {
            _pending.SetException(failure);
        }
        else
        {
            _pending.SetResult(transport);
        }
    }

    /// <summary>Null: nobody has come who can be served.</summary>
    private SocketTransport? AcceptNext()
    {
        if (_descriptorsShort)
        {
            // Only who waits can be refused: else the failure would last until somebody comes.
            if (!Socket!.Poll(Look, SelectMode.SelectRead))
            {
                return null;
            }

            if (Descriptors.AreStillShort())
            {
                throw WireErrors.From(SocketError.TooManyOpenSockets);
            }
        }

        Socket socket;
        try
        {
            socket = Socket!.Accept();
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.TooManyOpenSockets)
        {
            // The system says so also when nobody waits: asked again, with somebody who does, it is a failure.
            if (_descriptorsShort)
            {
                throw;
            }

            _descriptorsShort = true;
            return null;
        }

        _descriptorsShort = Descriptors.AreShort(socket);
        return Wrap(socket);
    }

    /// <summary>Null when the newcomer is gone already.</summary>
    private SocketTransport? Wrap(Socket socket)
    {
        try
        {
            Address.Prepare(socket);
            return new SocketTransport(socket);
        }
        catch (SocketException)
        {
            // Options and addresses of a connection that was reset in the backlog cannot be had on every system: nothing to serve.
            socket.Dispose();
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
