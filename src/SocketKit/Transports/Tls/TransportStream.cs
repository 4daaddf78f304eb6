using System.Runtime.CompilerServices;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Tls;

/// <summary>
/// A wire as the stream that SslStream works on. An empty read is the wire's empty receive, so that an idle connection holds no buffer.
/// Reads belong to whoever receives; the two directions may overlap.
/// While a read waits for the wire it is outside of the TLS engine: the handshake gives its place back, an open session lets close_notify
/// in (<see cref="Engine"/>).
/// </summary>
internal sealed class TransportStream : Stream
{
    private const byte HandshakeRecord = 22;
    private const byte AlertRecord = 21;

    /// <summary>
    /// What a client sends in a handshake at the most: a hello of 16 KiB, or three certificates with the largest keys in use. More cost
    /// time to judge that grows faster than their length (names against name constraints).
    /// </summary>
    private const int LongestOfClient = 24 * 1024;

    /// <summary>A server's certificate may have names by the hundred.</summary>
    private const int LongestOfServer = 48 * 1024;

    private readonly Transport _wire;
    private readonly bool _server;
    private Exception? _failure;
    private volatile HandshakePlace? _handshake;
    private bool _checked;
    private ClientHelloBuffer? _hello;

    // From the first byte on, so that it knows where records begin.
    private TlsRecordCounter _records;
    private TlsIdleWork? _idleWork;

    // When a wary session was given its last bytes, and on which thread.
    private TimeSpan _givenAt;
    private int _givenOn;

    // What the peer may still send in its handshake.
    private int _handshakeLeft;

    public TransportStream(Transport wire, bool server)
    {
        _wire = wire;
        _server = server;
        _handshakeLeft = server ? LongestOfClient : LongestOfServer;
        _hello = server ? new ClientHelloBuffer() : null;
        Output = new TlsOutput(SendAsync);
    }

    /// <summary>Keeps reads and close_notify of an open session apart. Whoever reads has entered it; this stream leaves it while the read
    /// waits.</summary>
    public TlsEngineLock Engine { get; } = new();

    /// <summary>Everything that is written goes through it, but for a handshake's last alert.</summary>
    public TlsOutput Output { get; }

    /// <summary>The wire's stream has ended.</summary>
    public bool SawEnd { get; private set; }

    /// <summary>What the wire threw first, in either direction.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The handshake begins; it has the place.</summary>
    public void BeginHandshake(HandshakePlace place) => _handshake = place;

    /// <summary>The handshake is over: from now on reads complete where the wire completes them, and bytes shall bring data.</summary>
    public void EndHandshake(TlsIdleWork work)
    {
        _handshake = null;
        _idleWork = work;
    }

    /// <summary>What was received has brought data.</summary>
    public void Rewarded(int bytes) => _idleWork?.Rewarded(bytes);

    /// <summary>The protocol has sent something, and what the engine had kept with it.</summary>
    public void Sent() => _idleWork?.Sent();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_hello is { } hello)
        {
            return ReadHelloAsync(hello, buffer);
        }

        if (_idleWork is not { } work)
        {
            return ReceiveAsync(buffer);
        }

        if (work.RecordByRecord)
        {
            NoteTime(work);
        }

        return buffer.IsEmpty ? ReceiveAsync(buffer) : ReceiveInTurnAsync(work, buffer);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        Output.WriteAsync(buffer);

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    /// <summary>
    /// Only for an alert that ends the handshake, which SslStream sends so: a few bytes, which the wire takes at once or not at all.
    /// </summary>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        var send = _wire.SendAsync(buffer.ToArray());
        if (send.IsCompleted)
        {
            send.GetAwaiter().GetResult();
        }
        else
        {
            _ = ObserveAsync(send);
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private async ValueTask<int> ReadHelloAsync(ClientHelloBuffer hello, Memory<byte> buffer)
    {
        while (!hello.IsReady)
        {
            hello.Advance(await ReceiveAsync(hello.GetFree()).ConfigureAwait(false));
        }

        var count = hello.Take(buffer.Span);
        if (hello.IsEmpty && !hello.IsEnded)
        {
            _hello = null;
        }

        return count;
    }

    /// <summary>The engine asks for more, also without a buffer: it is done with what it was given.</summary>
    private void NoteTime(TlsIdleWork work)
    {
        if (_givenOn == Environment.CurrentManagedThreadId)
        {
            work.Took(ThreadTime.Now - _givenAt);
        }

        _givenOn = 0;
    }

    private ValueTask<int> ReceiveInTurnAsync(TlsIdleWork work, Memory<byte> buffer)
    {
        try
        {
            work.Ask();
        }
        catch (TlsException exception)
        {
            Note(exception);
            throw;
        }

        var most = work.RecordByRecord ? Math.Min(work.Turn, _records.ToNext) : work.Turn;
        buffer = buffer[..Math.Min(most, buffer.Length)];
        return work.MustYield ? YieldAndReceiveAsync(buffer) : ReceiveAsync(buffer);
    }

    private async ValueTask<int> YieldAndReceiveAsync(Memory<byte> buffer)
    {
        Engine.ExitRead();
        await NextTurn.Of(_wire);
        await Engine.EnterReadAsync().ConfigureAwait(false);
        return await ReceiveAsync(buffer).ConfigureAwait(false);
    }

    private ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        if (_idleWork is null)
        {
            if (_handshakeLeft == 0)
            {
                var failure = new TlsException(TlsFailure.CertificateInvalid, _server
                    ? $"the client sends more than {LongestOfClient / 1024} KiB in its handshake: its certificates are too many, or too large"
                    : $"the server sends more than {LongestOfServer / 1024} KiB in its handshake: its certificates are too many, or too large");
                Note(failure);
                throw failure;
            }

            buffer = buffer[..Math.Min(buffer.Length, _handshakeLeft)];
        }

        ValueTask<ReceiveResult> receive;
        try
        {
            receive = _wire.ReceiveAsync(buffer);
        }
        catch (Exception exception)
        {
            Note(exception);
            throw;
        }

        // What never waits hands over here all the same.
        return receive.IsCompletedSuccessfully && !Engine.IsShutdownWaiting
            ? new ValueTask<int>(Note(receive.Result, buffer.Span))
            : WaitAsync(receive, buffer);
    }

    private ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        ValueTask send;
        try
        {
            send = _wire.SendAsync(bytes);
        }
        catch (Exception exception)
        {
            Note(exception);
            throw;
        }

        return send.IsCompletedSuccessfully ? send : WaitAsync(send);
    }

    private void Note(Exception exception) => Interlocked.CompareExchange(ref _failure, exception, null);

    private static async Task ObserveAsync(ValueTask send)
    {
        try
        {
            await send.ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            // The handshake has failed already, and its reason is the first one.
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WaitAsync(ValueTask<ReceiveResult> receive, Memory<byte> buffer)
    {
        var handshake = _handshake;
        LeaveEngine(handshake);
        ReceiveResult received;
        try
        {
            received = await receive.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Note(exception);
            if (handshake is null)
            {
                await Engine.EnterReadAsync().ConfigureAwait(false);
            }

            // A handshake that has failed needs no place for it.
            throw;
        }

        if (handshake is null)
        {
            await Engine.EnterReadAsync().ConfigureAwait(false);
        }
        else
        {
            await handshake.TakeAsync();
        }

        return Note(received, buffer.Span);
    }

    private void LeaveEngine(HandshakePlace? handshake)
    {
        if (handshake is null)
        {
            Engine.ExitRead();
        }
        else
        {
            handshake.GiveBack();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync(ValueTask send)
    {
        // A handshake's send is between two of its reads.
        var handshake = _handshake;
        handshake?.GiveBack();
        try
        {
            await send.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Note(exception);
            throw;
        }

        if (handshake is not null)
        {
            await handshake.TakeAsync();
        }
    }

    private int Note(ReceiveResult received, ReadOnlySpan<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return 0;
        }

        if (received.Count == 0)
        {
            SawEnd = true;
        }
        else
        {
            if (!_checked)
            {
                _checked = true;
                Check(buffer[..received.Count]);
            }

            _handshakeLeft -= _idleWork is null ? received.Count : 0;
            var before = _records.EndedBytes;
            var ended = _records.Count(buffer[..received.Count]);
            if (_idleWork is { } work)
            {
                work.Received(ended, _records.EndedBytes - before, _records.LastLength);
                if (work.RecordByRecord)
                {
                    (_givenAt, _givenOn) = (ThreadTime.Now, Environment.CurrentManagedThreadId);
                }
            }
        }

        return received.Count;
    }

    /// <summary>
    /// What is not TLS shows with its first byte, and need not wait for the deadline: a client begins with a handshake record, a server
    /// with one or with an alert (RFC 8446 section 5.1).
    /// </summary>
    private void Check(ReadOnlySpan<byte> first)
    {
        if (first[0] != HandshakeRecord && (_server || first[0] != AlertRecord))
        {
            throw new TlsException(TlsFailure.NotTls, $"the {(_server ? "client" : "server")} does not speak TLS; its first bytes are {Convert.ToHexString(first[..Math.Min(first.Length, 8)])}");
        }
    }
}
