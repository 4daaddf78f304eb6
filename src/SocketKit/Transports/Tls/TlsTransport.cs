using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace SocketKit.Transports.Tls;

/// <summary>
/// TLS over another wire: SslStream on a <see cref="TransportStream"/>. The handshake is <see cref="OpenAsync"/>, in
/// <c>TlsTransport.Open.cs</c>; before it is over there is nothing to receive or send. Bytes are counted as the protocol above sees them,
/// progress as the wire below does. The end of the stream is clean after close_notify; without it the stream is cut off, and the receive
/// that meets it throws an <see cref="EndOfStreamException"/> (RFC 8446 section 6.1).
/// </summary>
internal sealed partial class TlsTransport : DelegatingTransport
{
    /// <summary>What SslStream puts into one record (RFC 8446 section 5.1).</summary>
    private const int RecordLength = 16 * 1024;

    /// <summary>More than header, tag and padding of a record of any cipher suite.</summary>
    private const int RecordOverhead = 512;

    /// <summary>A batch of several records goes to the wire in pieces of so many, which fit into 128 KiB.</summary>
    private const int RecordsTogether = 7;

    private const int MostDrained = 64 * 1024;

    private readonly TlsSide _side;
    private readonly TransportServices _services;
    private readonly TransportStream _stream;
    private TlsStream? _tls;
    private TlsInfo? _info;
    private Exception? _failure;
    private long _bytesSent;
    private int _aborted;
    private volatile bool _open;
    private bool _ended;
    private bool _finished;

    public TlsTransport(Transport inner, TlsSide side, TransportServices services)
        : base(inner)
    {
        _side = side;
        _services = services;
        _stream = new TransportStream(inner, side.IsServer);
        _place = new HandshakePlace(side.Gate, inner.RemoteEndPoint);
    }

    public override bool PreservesMessageBoundaries => false;

    // SslStream's methods are asynchronous ones: what awaits them goes on in the context that they were called in.
    public override bool CompletesInDefaultContext => false;

    public override long BytesSent => Volatile.Read(ref _bytesSent);

    private bool IsAborted => Volatile.Read(ref _aborted) != 0;

    public override T? Find<T>()
        where T : class => typeof(T) == typeof(TlsInfo) ? _info as T : Inner.Find<T>();

    public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
    {
        if (_ended || _failure is not null || !_open || IsAborted)
        {
            return AfterEnd(buffer);
        }

        return _stream.Engine.TryEnterRead() ? ReadAsync(buffer) : EnterAndReadAsync(buffer);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        if (!_open || IsAborted)
        {
            return ValueTask.FromException(NotOpen());
        }

        if (batch.IsEmpty)
        {
            return default;
        }

        if (batch.Length > RecordLength)
        {
            return SendRecordsAsync(batch);
        }

        var write = _tls!.WriteAsync(batch);
        _stream.Sent();
        if (!write.IsCompletedSuccessfully)
        {
            return WaitAsync(write, batch.Length);
        }

        Volatile.Write(ref _bytesSent, _bytesSent + batch.Length);
        return default;
    }

    /// <summary>Says close_notify, and then the wire's own end.</summary>
    public override async ValueTask CompleteOutputAsync()
    {
        if (!_open || IsAborted)
        {
            // In the middle of a handshake there is nothing that could be finished.
            var failure = NotOpen();
            Abort();
            throw failure;
        }

        try
        {
            _finished = true;
            await SendCloseNotifyAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            throw Translate(exception);
        }

        await Inner.CompleteOutputAsync().ConfigureAwait(false);
    }

    public override void Abort()
    {
        if (Interlocked.Exchange(ref _aborted, 1) == 0)
        {
            Inner.Abort();
            _place.Cancel();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (Volatile.Read(ref _opening) is { } opening)
        {
            // The connection was given up during the handshake, which ends now.
            Abort();
            await opening.Task.ConfigureAwait(false);
        }

        try
        {
            if (_open && !IsAborted && !_finished)
            {
                await SayGoodbyeAsync().ConfigureAwait(false);
            }

            if (_tls is { } tls)
            {
                // Whoever holds the connection after its end holds neither keys nor a certificate that was replaced.
                _tls = null;
                _open = false;
                await tls.DisposeAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            // Whatever a wire of somebody else's throws at its end, it is released.
            await base.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Takes what has arrived, so that the end is none of a kernel with bytes that nobody read. A wire that is TLS itself does that when it
    /// ends; what it has unread may be part of a record, for the rest of which a receive would wait.
    /// </summary>
    private async ValueTask DrainAsync()
    {
        if (Inner.Find<TlsInfo>() is not null)
        {
            return;
        }

        var buffer = new byte[4096];
        for (var drained = 0; drained < MostDrained && Inner.BytesUnread > 0;)
        {
            var received = await Inner.ReceiveAsync(buffer).ConfigureAwait(false);
            drained += received.Count == 0 ? MostDrained : received.Count;
        }
    }

    /// <summary>
    /// SslStream tells a session's tickets from data only when they are read; nobody reads any more, and bytes left unread would make the
    /// end a reset.
    /// </summary>
    private async ValueTask SayGoodbyeAsync()
    {
        try
        {
            await DrainAsync().ConfigureAwait(false);
            var goodbye = SendCloseNotifyAsync();
            if (!goodbye.IsCompleted)
            {
                // The peer does not read, and what it did not take is lost at this end anyhow.
                Inner.Abort();
            }

            await goodbye.ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or SocketException or InvalidOperationException)
        {
            // The wire is gone before its time; releasing it is all that is left to do.
        }
    }

    /// <summary>Makes the alert while no read is inside the engine, and sends it outside, where reads may go on.</summary>
    /// <exception cref="IOException">The wire failed, or was aborted.</exception>
    private async ValueTask SendCloseNotifyAsync()
    {
        var engine = _stream.Engine;
        _stream.Output.BeginGathering(RecordOverhead);
        try
        {
            await engine.EnterShutdownAsync().ConfigureAwait(false);
            try
            {
                if (IsAborted)
                {
                    throw WireErrors.Aborted();
                }

                // Complete, since what is gathered does not wait.
                await _tls!.ShutdownAsync().ConfigureAwait(false);
            }
            finally
            {
                engine.ExitShutdown();
            }

            await _stream.Output.EndGatheringAsync().ConfigureAwait(false);
        }
        finally
        {
            _stream.Output.StopGathering();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendRecordsAsync(ReadOnlyMemory<byte> batch)
    {
        const int MostAtOnce = RecordsTogether * RecordLength;
        _stream.Output.BeginGathering(Math.Min(batch.Length, MostAtOnce) + (RecordsTogether * RecordOverhead));
        try
        {
            while (!batch.IsEmpty)
            {
                var piece = batch[..Math.Min(batch.Length, MostAtOnce)];
                await _tls!.WriteAsync(piece).ConfigureAwait(false);
                _stream.Sent();
                await _stream.Output.SendGatheredAsync().ConfigureAwait(false);
                batch = batch[piece.Length..];
                Volatile.Write(ref _bytesSent, _bytesSent + piece.Length);
            }

            await _stream.Output.EndGatheringAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            throw Translate(exception);
        }
        finally
        {
            _stream.Output.StopGathering();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync(ValueTask write, int length)
    {
        try
        {
            await write.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            throw Translate(exception);
        }

        Volatile.Write(ref _bytesSent, _bytesSent + length);
    }

    /// <summary>Inside the engine, which it leaves.</summary>
    private ValueTask<ReceiveResult> ReadAsync(Memory<byte> buffer)
    {
        ValueTask<int> read;
        try
        {
            read = _tls!.ReadAsync(buffer);
        }
        catch
        {
            _stream.Engine.ExitRead();
            throw;
        }

        if (!read.IsCompletedSuccessfully)
        {
            return WaitAsync(read, buffer);
        }

        _stream.Engine.ExitRead();
        return Taken(read.Result, buffer);
    }

    private async ValueTask<ReceiveResult> EnterAndReadAsync(Memory<byte> buffer)
    {
        await _stream.Engine.EnterReadAsync().ConfigureAwait(false);
        return await ReadAsync(buffer).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReceiveResult> WaitAsync(ValueTask<int> read, Memory<byte> buffer)
    {
        int count;
        try
        {
            count = await read.ConfigureAwait(false);
            _stream.Engine.ExitRead();
        }
        catch (Exception exception)
        {
            _stream.Engine.ExitRead();
            var failure = Translate(exception);
            if (!IsAborted)
            {
                _failure = failure;
            }

            return buffer.IsEmpty ? default : throw failure;
        }

        return await Taken(count, buffer).ConfigureAwait(false);
    }

    private ValueTask<ReceiveResult> Taken(int count, Memory<byte> buffer)
    {
        if (count > 0)
        {
            _stream.Rewarded(count);
        }
        else if (!buffer.IsEmpty)
        {
            if (_stream.SawEnd)
            {
                return ValueTask.FromException<ReceiveResult>(_failure = CutOff());
            }

            _ended = true;
        }

        return new ValueTask<ReceiveResult>(new ReceiveResult { Count = count });
    }

    private ValueTask<ReceiveResult> AfterEnd(Memory<byte> buffer)
    {
        if (IsAborted)
        {
            return buffer.IsEmpty ? default : ValueTask.FromException<ReceiveResult>(WireErrors.Aborted());
        }

        return _ended || buffer.IsEmpty ? default : ValueTask.FromException<ReceiveResult>(_failure ?? NotOpen());
    }

    /// <summary>What went wrong, as the wire below would say it.</summary>
    private Exception Translate(Exception exception) =>
        IsAborted ? WireErrors.Aborted() : _stream.Failure ?? (_stream.SawEnd ? CutOff() : _side.ExplainLater(exception));

    private static EndOfStreamException CutOff() => new("the stream ended without TLS's close_notify, so it may have been cut off");

    private Exception NotOpen() => IsAborted ? WireErrors.Aborted() : new InvalidOperationException("The TLS handshake has not been done; OpenAsync does it");
}
