using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using SocketKit.Transports.Interop;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// Accepts on an event loop, level-triggered and one shot at a time: armed only while somebody waits in <see cref="AcceptAsync"/>, so what backs off is not woken. Completes inline on the loop's thread; after 64 newcomers
/// in a row the loop's connections have a turn.
/// </summary>
internal sealed class EpollListener(StreamAddress address) : StreamListener(address), IValueTaskSource<Transport?>
{
    private const int PerTurn = 64;
    private const uint Events = Native.EpollIn | Native.EpollOneShot;

    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<Transport?> _pending;
    private Watch? _watch;
    private bool _accepting;
    private bool _completed;
    private int _turn;

    /// <summary>The last one that was accepted has one of the descriptors in reserve.</summary>
    private bool _descriptorsShort;

    public override ValueTask<Transport?> AcceptAsync()
    {
        lock (_gate)
        {
            if (IsStopped)
            {
                return default;
            }

            if (_watch is null || _accepting)
            {
                throw new InvalidOperationException(_watch is null ? "The listener is not bound" : "An accept is under way");
            }

            _accepting = true;
            _completed = false;
            _pending.Reset();
        }

        var task = new ValueTask<Transport?>(this, _pending.Version);

        // On the loop's own thread a newcomer may be there already; from elsewhere, and after a turn's worth of them, the event comes first.
        if (EpollLoop.Current == _watch.Loop && ++_turn < PerTurn)
        {
            TryAccept();
        }
        else
        {
            _turn = 0;
            Arm();
        }

        return task;
    }

    protected override void Bound(Socket socket)
    {
        lock (_gate)
        {
            _watch = new Watch(this, EpollEngine.Instance.NextLoop());
            if (!IsStopped)
            {
                socket.Blocking = false;
                _watch.Loop.Add(_watch, (int)socket.Handle, 0);
            }
        }
    }

    protected override void Stopped()
    {
        lock (_gate)
        {
            if (_watch is not null)
            {
                _watch.Loop.Remove(_watch);
            }

            // The address is free when this returns.
            GiveBack();
            if (!_accepting || _completed)
            {
                return;
            }

            _completed = true;
        }

        // Not on the stack of whoever stops.
        _watch!.Loop.Queue(new LastTurn(this));
    }

    Transport? IValueTaskSource<Transport?>.GetResult(short token)
    {
        lock (_gate)
        {
            _accepting = false;
        }

        return _pending.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<Transport?>.GetStatus(short token) => _pending.GetStatus(token);

    void IValueTaskSource<Transport?>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _pending.OnCompleted(continuation, state, token, flags);

    private void Arm()
    {
        lock (_gate)
        {
            if (!IsStopped)
            {
                _watch!.Loop.Change(_watch, (int)Socket!.Handle, Events);
            }
        }
    }

    /// <summary>Accepts one, or arms the listener.</summary>
    private void TryAccept()
    {
        Transport? transport = null;
        Exception? failure = null;
        lock (_gate)
        {
            if (IsStopped || _completed)
            {
                return;
            }

            try
            {
                transport = AcceptNext();
            }
#pragma warning disable CA1031 // Whatever fails, the accept loop is told: a listener that does not accept is dead.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = exception;
            }

            if (transport is null && failure is null)
            {
                _watch!.Loop.Change(_watch, (int)Socket!.Handle, Events);
                return;
            }

            _completed = true;
        }

        if (failure is null)
        {
            _pending.SetResult(transport);
        }
        else
        {
            _pending.SetException(failure);
        }
    }

    /// <summary>Null: nobody waits.</summary>
    private unsafe EpollTransport? AcceptNext()
    {
        if (_descriptorsShort && Descriptors.AreStillShort())
        {
            return SomebodyWaits() ? throw WireErrors.From(SocketError.TooManyOpenSockets) : null;
        }

        Span<byte> raw = stackalloc byte[SocketAddresses.MaxLength];
        while (true)
        {
            var length = SocketAddresses.MaxLength;
            int number;
            fixed (byte* address = raw)
            {
                number = Native.Accept((int)Socket!.Handle, address, &length, Native.SocketNonBlocking | Native.SocketCloseOnExec);
            }

            if (number >= 0)
            {
                _descriptorsShort = Descriptors.AreShort(number);
                var descriptor = new Descriptor(number);
                try
                {
                    if (Address is TcpAddress { ProbesSilentPeers: true })
                    {
                        // Of the options the only one that is not the listener's.
                        var seconds = TcpOptions.NextKeepAliveSeconds();
                        _ = Native.SetOption(number, TcpInfo.Level, TcpInfo.KeepIdle, (byte*)&seconds, sizeof(int));
                    }

                    var peer = PeerAddress.Read(descriptor, raw[..Math.Min(length, raw.Length)]);
                    return new EpollTransport(new EpollSocket(EpollEngine.Instance.NextLoop(), descriptor, tcp: Address is TcpAddress), peer);
                }
                catch
                {
                    descriptor.Dispose();
                    throw;
                }
            }

            var error = Marshal.GetLastPInvokeError();
            if (error == Errno.Again)
            {
                return null;
            }

            if (error != Errno.Interrupted && !Errno.IsOfNewcomer(error))
            {
                var failure = Errno.ToSocketError(error);

                // The kernel says so also when nobody waits.
                return failure != SocketError.TooManyOpenSockets || SomebodyWaits() ? throw WireErrors.From(failure) : null;
            }
        }
    }

    /// <summary>Only who waits can be refused: else the failure would last until somebody comes.</summary>
    private bool SomebodyWaits() => Socket!.Poll(0, SelectMode.SelectRead);

    /// <summary>The listening socket in its loop.</summary>
    private sealed class Watch(EpollListener listener, EpollLoop loop) : Registration(loop)
    {
        internal override bool RunsUserCode => false;

        internal override void OnEvent(int directions)
        {
            if ((directions & EventBatch.In) != 0)
            {
                listener.TryAccept();
            }
        }

        // The accept loop lets nothing out; were it to, the next accept reports the failure again.
        internal override void OnEscaped(Exception exception) => listener.Arm();
    }

    /// <summary>Completes the accept that the stop found under way.</summary>
    private sealed class LastTurn(EpollListener listener) : ILoopItem
    {
        public Registration Owner => listener._watch!;

        public void Run() => listener._pending.SetResult(null);
    }
}
