using System.Net.Sockets;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.Transports.Sockets;

/// <summary>
/// Accepts connections with blocking calls on a thread of its own, so that a starved thread pool delays no newcomer.
/// <see cref="Listener.AcceptAsync"/> completes inline on that thread. The thread accepts only while a call of it waits; other newcomers
/// stay in the kernel's backlog.
/// </summary>
internal sealed class SocketListener(StreamAddress address) : StreamListener(address)
{
    /// <summary>So long is waited for a newcomer at a time, while descriptors are short.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _wake = new(0);

    protected override void Bound(Socket socket) => new Thread(Run) { IsBackground = true, Name = $"SocketKit accept {EndPoint}" }.UnsafeStart();

    protected override void Accept() => _wake.Release();

    protected override void Stopped()
    {
        // The runtime unblocks an accept under way; the address is free when this returns.
        GiveBack();
        _wake.Release();
    }

    private void Run()
    {
        while (true)
        {
            _wake.Wait();
            lock (Lock)
            {
                if (!Call.IsWaiting)
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

        lock (Lock)
        {
            Call.End();
        }

        // An error that the stop caused is no error.
        Call.Complete(transport, IsStopped ? null : failure);
    }

    /// <summary>Null: nobody has come who can be served.</summary>
    private SocketTransport? AcceptNext()
    {
        if (!Shortage.MayAccept(Socket!, Look))
        {
            return null;
        }

        Socket socket;
        try
        {
            socket = Socket!.Accept();
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.TooManyOpenSockets)
        {
            if (!Shortage.Begins())
            {
                throw;
            }

            return null;
        }

        Shortage.Accepted(socket.Handle);
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
