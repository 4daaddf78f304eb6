using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using SocketKit.Transports.Interop;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// The Linux wire: a connected TCP or Unix stream socket in an event loop. Completions run inline on the loop's thread, which user code may
/// block: then another thread takes the loop over.
/// </summary>
internal sealed class EpollTransport(EpollSocket socket, PeerAddress remote) : Transport
{
    private PeerAddress _remote = remote;

    public override EndPoint? LocalEndPoint => socket.LocalEndPoint;

    public override EndPoint? RemoteEndPoint => _remote.EndPoint;

    public override long BytesSent => socket.BytesSent;

    public override CancellationToken HungUp => socket.HungUp;

    // The loop sees to it after each dispatch.
    public override bool CompletesInDefaultContext => true;

    public override long BytesReceived => socket.BytesReceived;

    public override long BytesUnread => socket.BytesUnread;

    public override bool Observe(ITransportObserver observer)
    {
        socket.Observer = observer;
        return true;
    }

    /// <summary>The socket underneath, to look at.</summary>
    internal EpollSocket Socket => socket;

    /// <summary>
    /// What the peer has acknowledged tells a slow reader from a dead one: a full buffer of the kernel's shows room only once a third of it
    /// is free.
    /// </summary>
    public override unsafe long SendProgress
    {
        get
        {
            if (!socket.Descriptor.TryHold())
            {
                return BytesSent;
            }

            const int Wanted = TcpInfo.BytesAcked + sizeof(long);
            var info = stackalloc byte[Wanted];
            var length = Wanted;
            var result = Native.GetOption(socket.Descriptor.Number, TcpInfo.Level, TcpInfo.Option, info, &length);
            socket.Descriptor.DangerousRelease();

            // A Unix socket has no such option: what the kernel takes is all there is to see. Nor has what an abort puts behind the number.
            return result == 0 && length == Wanted ? BytesSent + *(long*)(info + TcpInfo.BytesAcked) : BytesSent;
        }
    }

    public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer) => socket.ReceiveAsync(buffer);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => socket.SendAsync(batch);

    public override ValueTask CompleteOutputAsync()
    {
        if (socket.IsAborted || !socket.Descriptor.TryHold())
        {
            return ValueTask.FromException(WireErrors.Aborted());
        }

        // Before the call: the peer's answer to it may be received by the time it returns, and is no reset.
        socket.FinishedSending = true;
        var result = Native.Shutdown(socket.Descriptor.Number, Native.ShutdownSend);
        var error = result < 0 ? Marshal.GetLastPInvokeError() : 0;
        socket.Descriptor.DangerousRelease();
        if (socket.IsAborted)
        {
            // It may have been told to what the abort puts behind the number.
            return ValueTask.FromException(WireErrors.Aborted());
        }

        if (error != 0)
        {
            socket.FinishedSending = false;
            return ValueTask.FromException(WireErrors.From(Errno.ToSocketError(error)));
        }

        return default;
    }

    public override Socket? CreateSocketView() => socket.CreateView();

    public override ValueTask YieldAsync() => LoopYield.WaitAsync(socket);

    /// <summary>
    /// Resets the connection, unless this side has finished: what is on its way then still arrives, if the peer takes it within the user
    /// time-out.
    /// </summary>
    public override void Abort() => socket.Abort(reset: !socket.FinishedSending);

    public override ValueTask DisposeAsync()
    {
        socket.Release();
        return default;
    }
}
