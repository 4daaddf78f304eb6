using System.Net;
using System.Net.Sockets;

namespace SocketKit.Transports.InMemory;

/// <summary>
/// One end of a connection on an <see cref="InMemoryNetwork"/>. What arrives lies in a ring at the receiving end. All state is guarded by the link's lock; completions are queued to the network's thread, which takes the
/// lock again, looks at the state as it is then, and completes outside of it.
/// </summary>
internal sealed class InMemoryTransport : Transport
{
    private readonly InMemoryLink _link;
    private readonly InMemoryPump _pump;
    private readonly ByteRing _arrived;
    private readonly Pending<Received> _receive;
    private readonly Pending<bool> _send;
    private readonly InMemoryYield _yield;
    private InMemoryTransport _peer = null!;
    private IEngineObserver? _observer;
    private Memory<byte> _target;
    private ReadOnlyMemory<byte> _rest;
    private SocketError _failure;
    private long _bytesSent;
    private long _bytesReceived;
    private bool _finished;
    private bool _aborted;
    private bool _resetsPeer;

    public InMemoryTransport(InMemoryLink link, InMemoryNetwork network, EndPoint local, EndPoint remote, bool leavesPump)
    {
        _link = link;
        _pump = network.Pump;
        _arrived = new ByteRing(network.Capacity);
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        _receive = new Pending<Received>(_pump, CompleteReceive, leavesPump);
        _send = new Pending<bool>(_pump, CompleteSend, leavesPump);
        _yield = new InMemoryYield(_pump, leavesPump);
    }

    public override EndPoint LocalEndPoint { get; }

    public override EndPoint RemoteEndPoint { get; }

    internal override bool PoisonsReleasedBuffers => true;

    internal override SynchronizationContext HandlerSynchronization => _pump;

    public override long BytesSent => Volatile.Read(ref _bytesSent);

    internal override bool HasUnread
    {
        get
        {
            lock (_link.Gate)
            {
                return !IsGone && !_link.IsCut && _arrived.Count > 0;
            }
        }
    }

    internal override bool TellsOfPeer => true;

    internal override long BytesReceived => Volatile.Read(ref _bytesReceived);

    internal override long BytesUnread
    {
        get
        {
            lock (_link.Gate)
            {
                return IsGone || _link.IsCut ? 0 : _arrived.Count;
            }
        }
    }

    internal override IEngineObserver? Observer
    {
        set
        {
            lock (_link.Gate)
            {
                _observer = value;
            }
        }
    }

    internal bool IsReleased { get; private set; }

    private bool IsGone => _aborted || IsReleased;

    internal void Attach(InMemoryTransport peer) => _peer = peer;

    public override ValueTask<Received> ReceiveAsync(Memory<byte> buffer)
    {
        Received received;
        Exception? failure;
        bool freedPeer;
        lock (_link.Gate)
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

        return failure is null ? new ValueTask<Received>(received) : ValueTask.FromException<Received>(failure);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        ValueTask result = default;
        lock (_link.Gate)
        {
            if (IsGone || _finished || _failure != SocketError.Success)
            {
                return ValueTask.FromException(SendFailure());
            }

            _rest = batch;
            Push();
            if (!_rest.IsEmpty)
            {
                result = _send.StartPlain();
            }
        }

        _pump.Settle();
        return result;
    }

    public override ValueTask FinishAsync()
    {
        lock (_link.Gate)
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
        lock (_link.Gate)
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
        lock (_link.Gate)
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
            _arrived.Release();
            WakeReceive();
            WakeSend();
        }
    }

    /// <summary>This end is over: its own verbs complete, and the other end is told.</summary>
    private void End()
    {
        _arrived.Release();
        WakeReceive();
        WakeSend();
        TellPeer();
    }

    /// <summary>Moves as much as fits of what is to be sent into the other end's ring.</summary>
    private void Push()
    {
        var count = _rest.Length;
        if (!_peer.IsGone && _peer._failure == SocketError.Success)
        {
            count = _peer._arrived.Write(_rest.Span);
            _peer.WakeReceive();
        }
        else if (!_link.IsCut && count > 0)
        {
            // The kernel takes the bytes; the answer to them is a reset.
            Fail(SocketError.ConnectionReset);
        }

        _rest = _rest[count..];
        Volatile.Write(ref _bytesSent, _bytesSent + count);
    }

    private void WakeReceive()
    {
        if (_receive.IsWaiting && (IsGone || _failure != SocketError.Success || (!_link.IsCut && (_arrived.Count > 0 || _peer._finished || _peer.IsGone))))
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
    private bool TryReceive(Memory<byte> buffer, out Received received, out Exception? failure, out bool freedPeer)
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

        if (_arrived.Count == 0)
        {
            return _peer._finished || _peer.IsGone;
        }

        if (!buffer.IsEmpty)
        {
            received = new Received(_arrived.Read(buffer.Span), EndOfMessage: false);
            Volatile.Write(ref _bytesReceived, _bytesReceived + received.Count);
            freedPeer = _peer.PushRest();
        }

        return true;
    }

    /// <summary>There is room at the other end again. True when a send was waiting for it.</summary>
    private bool PushRest()
    {
        if (!_send.IsWaiting || _rest.IsEmpty)
        {
            return false;
        }

        Push();
        if (_rest.IsEmpty)
        {
            _send.Queue();
        }

        return true;
    }

    private Exception SendFailure() =>
        IsGone ? WireErrors.Aborted() : WireErrors.From(_failure == SocketError.Success ? SocketError.Shutdown : _failure);

    private void CompleteReceive()
    {
        Received received;
        Exception? failure;
        lock (_link.Gate)
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
        lock (_link.Gate)
        {
            failure = _rest.IsEmpty ? null : SendFailure();
            _rest = default;
            _send.End();
        }

        _send.Complete(true, failure);
    }
}
