using System.Net;
using System.Net.Sockets;

namespace SocketKit.Transports.InMemory;

/// <summary>
/// One end of a connection on an <see cref="InMemoryNetwork"/>. What arrives lies in a ring at the receiving end. All state is guarded by
/// the link's lock; completions are queued to the network's thread, which takes the lock again, looks at the state as it is then, and
/// completes outside of it.
/// </summary>
internal sealed class InMemoryTransport : Transport
{
    private readonly InMemoryLink _link;
    private readonly InMemoryPump _pump;
    private readonly int _capacity;
    private readonly ByteRing _arrived;
    private readonly Pending<ReceiveResult> _receive;
    private readonly Pending<bool> _send;
    private readonly InMemoryYield _yield;
    private readonly Queue<long>? _messageEnds;
    private InMemoryTransport _peer = null!;
    private ITransportObserver? _observer;
    private Memory<byte> _target;
    private ReadOnlyMemory<byte> _rest;
    private ReadOnlyMemory<int> _restEnds;
    private int _restTaken;
    private SocketError _failure;
    private long _bytesSent;
    private long _bytesReceived;
    private bool _finished;
    private bool _aborted;
    private bool _resetsPeer;

    public InMemoryTransport(InMemoryLink link, InMemoryNetwork network, EndPoint local, EndPoint remote, bool leavesPump, bool preservesBoundaries)
    {
        _link = link;
        _pump = network.Pump;
        _capacity = network.Capacity;
        _arrived = new ByteRing(_capacity);
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        _receive = new Pending<ReceiveResult>(_pump, CompleteReceive, leavesPump);
        _send = new Pending<bool>(_pump, CompleteSend, leavesPump);
        _yield = new InMemoryYield(_pump, leavesPump);
        _messageEnds = preservesBoundaries ? new Queue<long>() : null;
    }

    public override EndPoint LocalEndPoint { get; }

    public override EndPoint RemoteEndPoint { get; }

    public override long BytesSent => Volatile.Read(ref _bytesSent);

    public override long BytesReceived => Volatile.Read(ref _bytesReceived);

    public override long BytesUnread
    {
        get
        {
            lock (_link.Lock)
            {
                return IsGone || _link.IsCut ? 0 : _arrived.Count;
            }
        }
    }

    public override bool PreservesMessageBoundaries => _messageEnds is not null;

    public override T? Find<T>()
        where T : class => _pump.HandlerRules as T;

    public override bool Observe(ITransportObserver observer)
    {
        lock (_link.Lock)
        {
            _observer = observer;
            return true;
        }
    }

    internal bool IsReleased { get; private set; }

    private bool IsGone => _aborted || IsReleased;

    private bool HasRest => !_rest.IsEmpty || !_restEnds.IsEmpty;

    /// <summary>Something has arrived: bytes, or the end of a message, which may be empty.</summary>
    private bool HasArrived => _arrived.Count > 0 || _messageEnds is { Count: > 0 };

    internal void Attach(InMemoryTransport peer) => _peer = peer;

    public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
    {
        ReceiveResult received;
        Exception? failure;
        bool freedPeer;
        lock (_link.Lock)
        {
            if (!TryReceive(buffer, out received, out failure, out freedPeer))
            {
                _target = buffer;
                return _receive.Start();
            }
        }

        if (freedPeer)
        {
            _pump.Settle();
        }

        return failure is null ? new ValueTask<ReceiveResult>(received) : ValueTask.FromException<ReceiveResult>(failure);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => SendAsync(batch, _messageEnds is null ? default(ReadOnlyMemory<int>) : new[] { batch.Length });

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch, ReadOnlyMemory<int> messageEnds)
    {
        ValueTask result = default;
        lock (_link.Lock)
        {
            if (IsGone || _finished || _failure != SocketError.Success)
            {
                return ValueTask.FromException(SendFailure());
            }

            _rest = batch;
            _restEnds = messageEnds;
            _restTaken = 0;
            Push();
            if (HasRest)
            {
                result = _send.StartPlain();
            }
        }

        _pump.Settle();
        return result;
    }

    public override ValueTask CompleteOutputAsync()
    {
        lock (_link.Lock)
        {
            if (IsGone || _failure != SocketError.Success)
            {
                return ValueTask.FromException(SendFailure());
            }

            _finished = true;
            TellPeer();
        }

        _pump.Settle();
        return default;
    }

    public override ValueTask YieldAsync() => _yield.WaitAsync();

    public override void Abort()
    {
        lock (_link.Lock)
        {
            if (IsGone)
            {
                return;
            }

            _aborted = true;

            // As over TCP: after a finish, what is on its way still arrives, unless bytes are here that nobody read.
            _resetsPeer = !_finished || _arrived.Count > 0;
            End();
        }

        _pump.Settle();
    }

    public override ValueTask DisposeAsync()
    {
        lock (_link.Lock)
        {
            if (IsReleased)
            {
                return default;
            }

            IsReleased = true;
            if (!_aborted)
            {
                // As a kernel does: bytes that nobody read make the end a reset.
                _resetsPeer = _arrived.Count > 0;
                End();
            }
        }

        _link.Released();
        _pump.Settle();
        return default;
    }

    /// <summary>Makes what this end has done show at the other, unless nothing gets through. Under the lock.</summary>
    internal void TellPeer()
    {
        if (_link.IsCut)
        {
            return;
        }

        if (_resetsPeer)
        {
            _peer.Fail(SocketError.ConnectionReset);
        }
        else if (_finished || IsGone)
        {
            _peer._observer?.PeerFinished();
        }

        _peer.WakeReceive();
    }

    /// <summary>The wire fails under this end. Under the lock.</summary>
    internal void Fail(SocketError error)
    {
        if (_failure == SocketError.Success && !IsGone)
        {
            _failure = error;
            _observer?.PeerGone(WireErrors.From(error));
            DropArrived();
            WakeReceive();
            WakeSend();
        }
    }

    /// <summary>This end is over: its own verbs complete, and the other end is told.</summary>
    private void End()
    {
        DropArrived();
        WakeReceive();
        WakeSend();
        TellPeer();
    }

    /// <summary>Moves as much as fits of what is to be sent into the other end's ring.</summary>
    private void Push()
    {
        var count = _rest.Length;
        var isTaken = !_peer.IsGone && _peer._failure == SocketError.Success;
        if (isTaken)
        {
            count = _peer._arrived.Write(_rest.Span);
        }
        else if (!_link.IsCut && count > 0)
        {
            // The kernel takes the bytes; the answer to them is a reset.
            Fail(SocketError.ConnectionReset);
        }

        _rest = _rest[count..];
        _restTaken += count;
        Volatile.Write(ref _bytesSent, _bytesSent + count);
        PushEnds(isTaken);

        _peer.WakeReceive();
    }

    /// <summary>
    /// The ends of the messages that the other end has whole. An empty message takes no room in the ring, so they are limited too.
    /// </summary>
    private void PushEnds(bool isTaken)
    {
        while (!_restEnds.IsEmpty && _restEnds.Span[0] <= _restTaken && _peer._messageEnds!.Count < _capacity)
        {
            if (isTaken)
            {
                _peer._messageEnds.Enqueue(_bytesSent - (_restTaken - _restEnds.Span[0]));
            }

            _restEnds = _restEnds[1..];
        }
    }

    private void DropArrived()
    {
        _arrived.Release();
        _messageEnds?.Clear();
    }

    private void WakeReceive()
    {
        if (_receive.IsWaiting && (IsGone || _failure != SocketError.Success || (!_link.IsCut && (HasArrived || _peer._finished || _peer.IsGone))))
        {
            _receive.Queue();
        }
    }

    private void WakeSend()
    {
        if (_send.IsWaiting)
        {
            _send.Queue();
        }
    }

    /// <summary>False: nothing to tell yet. An empty buffer is told that there is something, never what.</summary>
    private bool TryReceive(Memory<byte> buffer, out ReceiveResult received, out Exception? failure, out bool freedPeer)
    {
        received = default;
        failure = null;
        freedPeer = false;
        if (IsGone || _failure != SocketError.Success)
        {
            failure = buffer.IsEmpty ? null : IsGone ? WireErrors.Aborted() : WireErrors.From(_failure);
            return true;
        }

        if (_link.IsCut)
        {
            return false;
        }

        if (!HasArrived)
        {
            return _peer._finished || _peer.IsGone;
        }

        if (!buffer.IsEmpty)
        {
            received = Take(buffer.Span);
            freedPeer = _peer.PushRest();
        }

        return true;
    }

    /// <summary>What has arrived, up to the end of a message.</summary>
    private ReceiveResult Take(Span<byte> buffer)
    {
        var end = _messageEnds is { Count: > 0 } ? _messageEnds.Peek() : long.MaxValue;
        var count = _arrived.Read(buffer[..(int)Math.Min(buffer.Length, end - _bytesReceived)]);
        Volatile.Write(ref _bytesReceived, _bytesReceived + count);
        var isWhole = _bytesReceived == end;
        if (isWhole)
        {
            _messageEnds!.Dequeue();
        }

        return new ReceiveResult { Count = count, EndOfMessage = isWhole };
    }

    /// <summary>There is room at the other end again. True when a send was waiting for it.</summary>
    private bool PushRest()
    {
        if (!_send.IsWaiting || !HasRest)
        {
            return false;
        }

        Push();
        if (!HasRest)
        {
            _send.Queue();
        }

        return true;
    }

    private Exception SendFailure() =>
        IsGone ? WireErrors.Aborted() : WireErrors.From(_failure == SocketError.Success ? SocketError.Shutdown : _failure);

    private void CompleteReceive()
    {
        ReceiveResult received;
        Exception? failure;
        lock (_link.Lock)
        {
            if (!TryReceive(_target, out received, out failure, out _))
            {
                _receive.StayWaiting();
                return;
            }

            _target = default;
            _receive.End();
        }

        _receive.Complete(received, failure);
    }

    private void CompleteSend()
    {
        Exception? failure;
        lock (_link.Lock)
        {
            failure = HasRest ? SendFailure() : null;
            _rest = default;
            _restEnds = default;
            _send.End();
        }

        _send.Complete(true, failure);
    }
}
