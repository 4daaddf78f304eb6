using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using SocketKit.Transports.Interop;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// A connected stream socket in an event loop, registered once and edge-triggered for both directions. This file: the descriptor, events
/// and the abrupt end; <c>EpollSocket.Receive.cs</c> and <c>EpollSocket.Send.cs</c>: one direction each. Both ask the kernel directly; only
/// when it says EAGAIN is the operation parked, and the event that follows goes on with it, inline on the loop's thread.
/// </summary>
internal sealed partial class EpollSocket : Registration
{
    private const uint Events = Native.EpollIn | Native.EpollOut | Native.EpollPri | Native.EpollRdHup | Native.EpollEdge;

    private WireFailure _failure;
    private CancellationTokenSource? _hungUp;
    private EndPoint? _local;
    private int _aborted;
    private int _released;
    private int _viewed;
    private bool _finishedSending;

    /// <summary>Takes over a socket and begins to watch it.</summary>
    /// <param name="loop">Where it lives.</param>
    /// <param name="descriptor">The socket; closed by <see cref="Release"/>, also when this throws.</param>
    /// <param name="connected">False: it is connecting, which <see cref="WaitWritableAsync"/> waits for.</param>
    /// <param name="tcp">False: a Unix socket.</param>
    /// <exception cref="SocketException">The kernel does not watch it.</exception>
    public EpollSocket(EpollLoop loop, Descriptor descriptor, bool connected = true, bool tcp = true)
        : base(loop)
    {
        Descriptor = descriptor;
        _shortReadMeansEmpty = tcp;
        _in = new Readiness(ready: false);
        _out = new Readiness(ready: connected);
        try
        {
            loop.Add(this, descriptor.Number, Events);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    public Descriptor Descriptor { get; }

    /// <summary>This side has sent its end of the stream.</summary>
    public bool FinishedSending
    {
        get => Volatile.Read(ref _finishedSending);
        set => Volatile.Write(ref _finishedSending, value);
    }

    public ITransportObserver? Observer { get; set; }

    /// <summary>It is connecting, and nobody but the engine knows of it.</summary>
    public bool IsDialling { get; set; }

    internal override bool RunsUserCode => !IsDialling;

    /// <summary>Cancelled when the kernel reports that the peer has finished or is gone, although nobody reads.</summary>
    public CancellationToken HungUp
    {
        get
        {
            var source = Volatile.Read(ref _hungUp);
            if (source is null)
            {
                var made = new CancellationTokenSource();
                source = Interlocked.CompareExchange(ref _hungUp, made, null) ?? made;
            }

            // The loop notes the hang-up before it looks for the source, so one of the two sees the other.
            if (_in.IsHungUp)
            {
                _ = source.CancelAsync();
            }

            return source.Token;
        }
    }

    public bool IsAborted => Volatile.Read(ref _aborted) != 0;

    private bool IsOver => IsAborted || Volatile.Read(ref _released) != 0;

    /// <summary>
    /// The local end, also after an abort or the release; null only when the kernel did not tell. The first answer stays.
    /// </summary>
    public EndPoint? LocalEndPoint
    {
        get
        {
            if (Volatile.Read(ref _local) is { } known)
            {
                return known;
            }

            var answer = SocketAddresses.Local(Descriptor);

            // The abort has asked before it put another socket behind the number; an answer that came since may be that one's.
            return IsAborted || answer is null ? Volatile.Read(ref _local) : Interlocked.CompareExchange(ref _local, answer, null)
                ?? answer;
        }
    }

    /// <summary>
    /// Closes the socket, and completes what is parked, on the loop. The number stays taken until <see cref="Release"/>, when both
    /// directions are at rest: so they call the kernel without holding a reference.
    /// </summary>
    /// <remarks>
    /// No shutdown(2): its FIN would make a reset look like an orderly end, and no call blocks, so there is no thread to wake.
    /// </remarks>
    /// <param name="reset">The kernel drops what is unsent, and the peer sees a reset.</param>
    public unsafe void Abort(bool reset)
    {
        // Whoever asks for it after the end gets it, too; most never ask.
        _ = LocalEndPoint;
        if (Interlocked.Exchange(ref _aborted, 1) != 0)
        {
            return;
        }

        if (Descriptor.TryHold())
        {
            if (reset)
            {
                // struct linger: on, for 0 seconds. It fails on a connection that is gone already, which is as well.
                var linger = stackalloc int[] { 1, 0 };
                _ = Native.SetOption(Descriptor.Number, Native.LevelSocket, Native.OptionLinger, (byte*)linger, 2 * sizeof(int));
            }

            Descriptor.CloseBehind();
            Descriptor.DangerousRelease();
        }

        if (_in.Signal(Readiness.Ready | Readiness.HungUp))
        {
            Loop.Queue(new Turn(this, EventBatch.In));
        }

        if (_out.Signal(Readiness.Ready | Readiness.HungUp))
        {
            Loop.Queue(new Turn(this, EventBatch.Out));
        }
    }

    /// <summary>Leaves the loop and closes the descriptor. Both directions are at rest.</summary>
    public void Release()
    {
        _ = LocalEndPoint;
        Loop.Remove(this);
        Interlocked.Exchange(ref _released, 1);
        if (Volatile.Read(ref _viewed) != 0 && Descriptor.TryHold())
        {
            // A view may hold the number for long, and the connection is over now.
            Descriptor.CloseBehind();
            Descriptor.DangerousRelease();
        }

        Descriptor.Dispose();
    }

    /// <summary>A socket over the descriptor, which it holds. After an abort or the release its calls fail.</summary>
    /// <exception cref="SocketException">The connection is aborted or released.</exception>
    public Socket CreateView()
    {
        Interlocked.Exchange(ref _viewed, 1);
        if (IsAborted || Descriptor.Hold() is not { } hold)
        {
            throw SocketView.Gone();
        }

        Socket view;
        try
        {
            view = SocketView.Create(Descriptor.Number, hold);
        }
        catch (Exception) when (IsOver)
        {
            // What stands behind the number since does not fit the runtime's questions.
            throw SocketView.Gone();
        }

        if (IsOver)
        {
            // It may be a view of that.
            view.Dispose();
            throw SocketView.Gone();
        }

        return view;
    }

    /// <summary>The error that the kernel keeps for the socket, which this takes away; 0 without one.</summary>
    public unsafe int TakeError()
    {
        if (!Descriptor.TryHold())
        {
            return 0;
        }

        int error = 0, length = sizeof(int);
        var result = Native.GetOption(Descriptor.Number, Native.LevelSocket, Native.OptionError, (byte*)&error, &length);
        if (result < 0)
        {
            error = Marshal.GetLastPInvokeError();
        }

        Descriptor.DangerousRelease();
        return error;
    }

    /// <summary>Claims what is parked for the loop, which then must dispatch it.</summary>
    internal override int Note(int directions)
    {
        var claimed = 0;
        if ((directions & EventBatch.In) != 0)
        {
            var hungUp = (directions & EventBatch.InHungUp) != 0;
            if (hungUp)
            {
                NoteHangUp();
            }

            if ((directions & EventBatch.Urgent) != 0)
            {
                _shortReadMeansEmpty = false;
            }

            if (_in.Signal(hungUp ? Readiness.Ready | Readiness.HungUp : Readiness.Ready))
            {
                claimed = EventBatch.In;
            }
            else if (hungUp)
            {
                // Whoever receives learns it by the receive; now nobody does.
                TellOfPeer(isOver: (directions & EventBatch.OutHungUp) != 0);
            }
        }

        if ((directions & EventBatch.Out) != 0 && _out.Signal((directions & EventBatch.OutHungUp) != 0 ? Readiness.Ready | Readiness.HungUp : Readiness.Ready))
        {
            claimed |= EventBatch.Out;
        }

        return claimed;
    }

    internal override void OnEvent(int directions)
    {
        if (directions == EventBatch.In)
        {
            ContinueReceive();
        }
        else
        {
            ContinueSend();
        }
    }

    internal override void OnOvertaken() => Observer?.CompletionTakesLong();

    internal override void OnHeldLoop(TimeSpan time, bool goesOn) => Observer?.LoopBlocked(time, goesOn);

    internal override void OnSparesExhausted() => Observer?.NoThreadLeft();

    internal override void OnEscaped(Exception exception)
    {
        if (Observer is { } observer)
        {
            observer.CompletionFailed(exception);
        }

        Abort(reset: true);
    }

    private void NoteHangUp()
    {
        _in.NoteHangUp();
        _ = Volatile.Read(ref _hungUp)?.CancelAsync();
    }

    /// <summary>Tells of an end that no receive waits for.</summary>
    /// <param name="isOver">The kernel has given up both directions: after a reset, after its own verdict, or because both ends have
    /// finished.</param>
    private void TellOfPeer(bool isOver)
    {
        if (Observer is not { } observer || IsAborted)
        {
            return;
        }

        if (isOver && PeerError() is var error && error != SocketError.Success)
        {
            observer.PeerGone(Failure(error));
        }
        else
        {
            observer.PeerFinished();
        }
    }

    /// <summary>
    /// Why the connection is over in the kernel; Success when the peer has only finished. The kernel tells an error once, so it is noted
    /// for the verbs.
    /// </summary>
    private SocketError PeerError()
    {
        if (_failure.First is var first && first != SocketError.Success)
        {
            return first;
        }

        return TakeError() switch
        {
            0 => !FinishedSending && WasReset() ? SocketError.ConnectionReset : SocketError.Success,
            var error => Errno.ToSocketError(error),
        };
    }

    private Exception Failure(SocketError error) => _failure.Note(error, IsAborted);

    /// <summary>A parked operation that an abort has claimed.</summary>
    private sealed class Turn(EpollSocket socket, int direction) : ILoopItem
    {
        public Registration Owner => socket;

        public void Run() => socket.OnEvent(direction);
    }
}
