using System.Net;
using System.Net.Sockets;
using SocketKit.Transports.Interop;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.Transports.Sockets;

/// <summary>
/// The portable wire: a connected, non-blocking stream socket. Owned by one connection; what runs concurrently is one receive, one send and
/// any number of aborts. Receives are in <see cref="SocketReceiver"/>, sends in <see cref="SocketSender"/>; both complete on the thread
/// pool thread that .NET's socket engine runs them on, and run continuations inline.
/// </summary>
internal sealed class SocketTransport : Transport
{
    private readonly Socket _socket;
    private readonly bool _tcp;
    private readonly SocketReceiver _receiver;
    private readonly SocketSender _sender;
    private ITransportObserver? _observer;
    private PoolYield? _yield;
    private CancellationTokenSource? _hungUp;
    private int _aborted;
    private int _released;
    private int _views;
    private WireFailure _failure;
    private bool _finishedSending;

    /// <summary>Takes over a connected socket.</summary>
    public SocketTransport(Socket socket)
    {
        socket.Blocking = false;
        _socket = socket;
        _tcp = socket.AddressFamily != AddressFamily.Unix;
        LocalEndPoint = EndPoints.Local(socket);
        RemoteEndPoint = EndPoints.Remote(socket);
        _receiver = new SocketReceiver(this, socket);
        _sender = new SocketSender(this, socket);
    }

    public override EndPoint? LocalEndPoint { get; }

    public override EndPoint? RemoteEndPoint { get; }

    public override long BytesSent => _sender.BytesSent;

    /// <summary>The socket underneath, to look at.</summary>
    internal Socket Socket => _socket;

    /// <summary>
    /// A full buffer of the kernel's shows room only once a third of it is free, which may be megabytes; so it is asked what the peer has
    /// acknowledged.
    /// </summary>
    public override long SendProgress => _tcp ? BytesSent + TcpOptions.Acknowledged(_socket) : BytesSent;

    /// <summary>The runtime tells of the peer's end by a receive alone, so while nobody receives a clock looks, for those who ask for
    /// this.</summary>
    public override CancellationToken HungUp
    {
        get
        {
            if (Volatile.Read(ref _hungUp) is not { } source)
            {
                source = new CancellationTokenSource();
                if (Interlocked.CompareExchange(ref _hungUp, source, null) is { } other)
                {
                    return other.Token;
                }

                HangUpClock.Watch(this);
            }

            return source.Token;
        }
    }

    public override long BytesReceived => _receiver.BytesReceived;

    public override long BytesUnread => _receiver.BytesUnread;

    public override bool Observe(ITransportObserver observer)
    {
        _observer = observer;
        return true;
    }

    public override void CheckPeer()
    {
        var error = PeerCheck.Look(_socket, out var finished);
        if (finished && error == SocketError.Success)
        {
            // A send that has taken the error may not have come to noting it.
            error = EndOfStream();
        }

        if (error != SocketError.Success)
        {
            _observer?.PeerGone(Failure(error));
        }
        else if (finished)
        {
            _observer?.PeerFinished();
        }
    }

    /// <summary>A tick of the clock that looks for hang-ups.</summary>
    /// <returns>False: there is nothing to look for any more.</returns>
    internal bool LookForHangUp()
    {
        if (Volatile.Read(ref _released) != 0)
        {
            return false;
        }

        if (_receiver.IsReceiving)
        {
            return true;
        }

        var error = PeerCheck.Look(_socket, out var finished);
        if (error != SocketError.Success)
        {
            // The kernel tells it once, so the verbs hear it from here.
            _ = Failure(error);
        }
        else if (!finished)
        {
            return true;
        }

        _ = _hungUp!.CancelAsync();
        return false;
    }

    public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer) => _receiver.ReceiveAsync(buffer);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => _sender.SendAsync(batch);

    public override ValueTask CompleteOutputAsync()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
            _finishedSending = true;
            return default;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return ValueTask.FromException(exception is SocketException { SocketErrorCode: var error } ? Failure(error) : WireErrors.Aborted());
        }
    }

    public override Socket? CreateSocketView()
    {
        if (OperatingSystem.IsWindows())
        {
            // There is no cheap second handle: the caller disposes of the view before the wire is aborted or released.
            return Volatile.Read(ref _released) == 0 ? new Socket(new SafeSocketHandle(_socket.Handle, ownsHandle: false))
                : throw SocketView.Gone();
        }

        // Before the look at the release, which ends the connection itself while a view lives.
        var hold = new View(this);
        Socket view;
        try
        {
            hold.Duplicate = DuplicateDescriptor.Of(_socket) ?? throw SocketView.Gone();
            view = SocketView.Create(hold.Duplicate.Number, hold);
        }
        catch
        {
            hold.Dispose();
            throw;
        }

        if (Volatile.Read(ref _released) == 0)
        {
            return view;
        }

        view.Dispose();
        throw SocketView.Gone();
    }

    public override ValueTask YieldAsync() => (_yield ??= new PoolYield()).WaitAsync();

    /// <summary>
    /// Resets the connection (the kernel drops what is unsent, so a peer that reads nothing holds no memory of ours), unless this side has
    /// finished: what is on its way then still arrives, if the peer takes it within the user time-out. Disposing makes the runtime complete
    /// pending operations at once, on the thread pool.
    /// </summary>
    public override void Abort()
    {
        if (Interlocked.Exchange(ref _aborted, 1) != 0)
        {
            return;
        }

        if (!_finishedSending)
        {
            try
            {
                _socket.LingerState = new LingerOption(true, 0);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                // Released already, or the connection is gone: closing is all there is left to do.
            }
        }

        Release();
    }

    public override ValueTask DisposeAsync()
    {
        Release();
        _receiver.Dispose();
        _sender.Dispose();
        return default;
    }

    /// <summary>The exception for an error of either verb.</summary>
    internal Exception Failure(SocketError error) => _failure.Note(error, Volatile.Read(ref _aborted) != 0);

    /// <summary>
    /// What the end of the stream really was: <see cref="SocketError.Success"/> for an end, else the first failure of either verb, which
    /// the kernel does not tell twice.
    /// </summary>
    internal SocketError EndOfStream()
    {
        var first = _failure.First;

        // The send that has taken the error may not have come to noting it.
        return first == SocketError.Success && !_finishedSending && _tcp && TcpOptions.WasReset(_socket) ? SocketError.ConnectionReset : first;
    }

    private void Release()
    {
        Interlocked.Exchange(ref _released, 1);
        try
        {
            if (Volatile.Read(ref _views) != 0)
            {
                End();
            }

            _socket.Dispose();
        }
        catch (SocketException)
        {
            // Some systems report an error of the connection when it is closed; the descriptor is released all the same.
        }
    }

    /// <summary>A view that lives, and its descriptor.</summary>
    private sealed class View : IDisposable
    {
        private readonly SocketTransport _transport;
        private int _ended;

        public View(SocketTransport transport)
        {
            _transport = transport;
            Interlocked.Increment(ref transport._views);
        }

        public DuplicateDescriptor? Duplicate { get; set; }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                Duplicate?.Dispose();
                Interlocked.Decrement(ref _transport._views);
            }
        }
    }

    /// <summary>Ends the connection although a view holds its socket.</summary>
    private void End()
    {
        try
        {
            var resets = _tcp && Volatile.Read(ref _aborted) != 0 && !_finishedSending;
            if (!resets || !DuplicateDescriptor.Reset(_socket))
            {
                _socket.Shutdown(SocketShutdown.Both);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // It is over already.
        }
    }
}
