using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace SocketKit.AspNetCore.Endpoints;

/// <summary>A connection of Kestrel's, on whatever transport and behind whatever middleware, as a wire of SocketKit's.</summary>
internal sealed class PipeTransport : Transport
{
    // A large batch goes in pieces, so that a peer that takes it slowly is seen to take it.
    private const int LargestPiece = 32 * 1024;

    private readonly ConnectionContext _connection;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly bool _keepsHalfOpen;
    private ReadOnlySequence<byte> _held;
    private bool _holds;
    private bool _ended;
    private volatile bool _inputOver;
    private volatile bool _aborted;
    private long _sent;

    public PipeTransport(ConnectionContext connection)
    {
        _connection = connection;
        _input = connection.Transport.Input;
        _output = connection.Transport.Output;

        // TLS has no end of one direction: its close_notify goes out when the middleware ends.
        _keepsHalfOpen = connection.Features.Get<ITlsHandshakeFeature>() is null;
    }

    public override EndPoint? LocalEndPoint => _connection.LocalEndPoint;

    public override EndPoint? RemoteEndPoint => _connection.RemoteEndPoint;

    public override long BytesSent => Volatile.Read(ref _sent);

    public override CancellationToken HungUp => _connection.ConnectionClosed;

    /// <summary>Completes when the server has released the wire: then the connection is Kestrel's again.</summary>
    public Task Released => _released.Task;

    /// <summary>
    /// Lets the connection end as if the peer had finished: what was received is worked off, replies go out. From any thread.
    /// </summary>
    public void EndInput()
    {
        _inputOver = true;
        _input.CancelPendingRead();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
    {
        while (!_holds)
        {
            if (_aborted)
            {
                throw Aborted();
            }

            if (_ended || _inputOver)
            {
                return default;
            }

            ReadResult result;
            try
            {
                result = await _input.ReadAsync().ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not (IOException and not ConnectionResetException))
            {
                throw Failure(exception);
            }

            // A cancelled read shows what was there before; it is shown again.
            if (result.Buffer.IsEmpty || result.IsCanceled)
            {
                _ended = result.IsCompleted && result.Buffer.IsEmpty;
                _input.AdvanceTo(result.Buffer.Start);
                continue;
            }

            _held = result.Buffer;
            _holds = true;
        }

        if (buffer.IsEmpty)
        {
            return default;
        }

        var count = (int)Math.Min(buffer.Length, _held.Length);
        _held.Slice(0, count).CopyTo(buffer.Span);
        _held = _held.Slice(count);
        if (_held.IsEmpty)
        {
            _holds = false;
            _input.AdvanceTo(_held.End);
            _held = default;
        }

        return new ReceiveResult { Count = count };
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        while (!batch.IsEmpty)
        {
            if (_aborted)
            {
                throw Aborted();
            }

            var piece = batch[..Math.Min(batch.Length, LargestPiece)];
            FlushResult result;
            try
            {
                result = await _output.WriteAsync(piece).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not (IOException and not ConnectionResetException))
            {
                throw Failure(exception);
            }

            if (_aborted)
            {
                throw Aborted();
            }

            if (result.IsCompleted)
            {
                throw new SocketException((int)SocketError.Shutdown);
            }

            Volatile.Write(ref _sent, _sent + piece.Length);
            batch = batch[piece.Length..];
        }
    }

    public override async ValueTask CompleteOutputAsync()
    {
        if (_keepsHalfOpen)
        {
            await _output.CompleteAsync().ConfigureAwait(false);
        }
        else
        {
            EndInput();
        }
    }

    public override void Abort()
    {
        _aborted = true;
        try
        {
            _connection.Abort(new ConnectionAbortedException("The connection was aborted by SocketKit"));
        }
        finally
        {
            // Middleware may have replaced the connection by one that throws: both verbs must end all the same.
            _input.CancelPendingRead();
            _output.CancelPendingFlush();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            if (_holds)
            {
                _holds = false;
                _input.AdvanceTo(_held.End);
            }

            await _input.CompleteAsync().ConfigureAwait(false);
            await _output.CompleteAsync().ConfigureAwait(false);
        }
        finally
        {
            _released.TrySetResult();
        }
    }

    private static IOException Aborted() => new("The connection was aborted by this side", new SocketException((int)SocketError.OperationAborted));

    private Exception Failure(Exception exception)
    {
        return exception switch
        {
            _ when _aborted => Aborted(),
            ConnectionResetException => new IOException(exception.Message, new SocketException((int)SocketError.ConnectionReset)),
            SocketException => exception,
            ConnectionAbortedException => new IOException(exception.Message, new SocketException((int)SocketError.OperationAborted)),
            _ => new IOException(exception.Message, exception),
        };
    }
}
