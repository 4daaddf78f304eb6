using System.Net.Sockets;
using System.Runtime.InteropServices;
using SocketKit.Transports.Interop;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// Accepts on an event loop, level-triggered and one shot at a time: armed only while a call of <see cref="Listener.AcceptAsync"/> waits,
/// so that an accept loop which backs off is not woken. Completes inline on the loop's thread; after 64 newcomers in a row the loop's
/// connections have a turn.
/// </summary>
internal sealed class EpollListener(StreamAddress address) : StreamListener(address)
{
    private const int PerTurn = 64;
    private const uint Events = Native.EpollIn | Native.EpollOneShot;

    private Watch? _watch;
    private int _turn;

    protected override void Accept()
    {
        // On the loop's own thread a newcomer may be there already; from elsewhere, and after a turn's worth of them, the event comes
        // first.
        if (EpollLoop.Current == _watch!.Loop && ++_turn < PerTurn)
        {
            TryAccept();
        }
        else
        {
            _turn = 0;
            Arm();
        }
    }

    protected override void Bound(Socket socket)
    {
        _watch = new Watch(this, EpollEngine.Instance.NextLoop());
        socket.Blocking = false;
        _watch.Loop.Add(_watch, (int)socket.Handle, 0);
    }

    protected override void Stopped()
    {
        lock (Lock)
        {
            if (_watch is not null)
            {
                _watch.Loop.Remove(_watch);
            }

            // The address is free when this returns.
            GiveBack();
            if (!Call.End())
            {
                return;
            }
        }

        // Not on the stack of whoever stops.
        _watch!.Loop.Queue(new LastTurn(this));
    }

    private void Arm()
    {
        lock (Lock)
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
        lock (Lock)
        {
            if (IsStopped || !Call.IsWaiting)
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

            Call.End();
        }

        Call.Complete(transport, failure);
    }

    /// <summary>Null: nobody waits.</summary>
    private unsafe EpollTransport? AcceptNext()
    {
        Span<byte> raw = stackalloc byte[SocketAddresses.MaxLength];
        while (Shortage.MayAccept(Socket!, TimeSpan.Zero))
        {
            var length = SocketAddresses.MaxLength;
            int number;
            fixed (byte* address = raw)
            {
                number = Native.Accept((int)Socket!.Handle, address, &length, Native.SocketNonBlocking | Native.SocketCloseOnExec);
            }

            if (number >= 0)
            {
                Shortage.Accepted(number);
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

            if (error == Errno.Interrupted || Errno.IsOfNewcomer(error))
            {
                continue;
            }

            var failure = Errno.ToSocketError(error);
            if (failure != SocketError.TooManyOpenSockets || !Shortage.Begins())
            {
                throw WireErrors.From(failure);
            }
        }

        return null;
    }

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

        public void Run() => listener.Call.Complete(null, null);
    }
}
