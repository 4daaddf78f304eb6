using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using SocketKit.AspNetCore.Pipes;

namespace SocketKit.AspNetCore.Connections;

/// <summary>
/// A connection of our engine as Kestrel sees it: features, a life time, and two pipe ends straight over the <see cref="Transport"/>.
/// </summary>
internal sealed class TransportConnection : ConnectionContext, IPipeOwner, IDuplexPipe, IConnectionIdFeature, IConnectionItemsFeature, IConnectionTransportFeature,
    IConnectionLifetimeFeature, IConnectionEndPointFeature, IConnectionSocketFeature, IMemoryPoolFeature
{
    // A peer that has finished sending may still wait for its response; Kestrel gives it up as soon as it hears of the end.
    private static readonly TimeSpan HangUpGrace = TimeSpan.FromMilliseconds(100);

    private static long _lastId = DateTime.UtcNow.Ticks;

    private readonly Lock _lock = new();
    private readonly Transport _transport;
    private readonly TransportSettings _settings;
    private readonly TransportPipeReader _reader;
    private readonly TransportPipeWriter _writer;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenRegistration _hungUp;
    private ConnectionAbortedException? _abortReason;
    private string? _id;
    private IDictionary<object, object?>? _items;
    private EndPoint? _local;
    private EndPoint? _remote;
    private Socket? _socket;
    private Task? _closing;
    private bool _disposed;

    public TransportConnection(Transport transport, TransportSettings settings)
    {
        _transport = transport;
        _settings = settings;
        _reader = new TransportPipeReader(transport, this);
        _writer = new TransportPipeWriter(transport, this);
        Transport = this;
        Features = new ConnectionFeatures(this);
        ConnectionClosed = _closed.Token;
        _hungUp = transport.HungUp.UnsafeRegister(static connection => _ = ((TransportConnection)connection!).EndSoonAsync(), this);
    }

    public override string ConnectionId
    {
        get => _id ??= Interlocked.Increment(ref _lastId).ToString("X16", CultureInfo.InvariantCulture);
        set => _id = value;
    }

    public override IFeatureCollection Features { get; }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport { get; set; }

    public override CancellationToken ConnectionClosed { get; set; }

    public override EndPoint? LocalEndPoint
    {
        get => _local ?? _transport.LocalEndPoint;
        set => _local = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _remote ?? _transport.RemoteEndPoint;
        set => _remote = value;
    }

    public MemoryPool<byte> MemoryPool => _settings.MemoryPool;

    /// <summary>Made when somebody asks; released before the connection's descriptor is.</summary>
    public Socket Socket
    {
        get
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed || _abortReason is not null, this);
                return _socket ??= _transport.CreateSocketView() ?? throw new InvalidOperationException("This wire has no socket");
            }
        }
    }

    /// <summary>A view for the moment: the caller disposes of it.</summary>
    public Socket CreateSocketView() => _transport.CreateSocketView() ?? throw new InvalidOperationException("This wire has no socket");

    ConnectionAbortedException? IPipeOwner.AbortReason => Volatile.Read(ref _abortReason);

    FlushPlace IPipeOwner.FlushPlace => _reader.Place;

    PipeReader IDuplexPipe.Input => _reader;

    PipeWriter IDuplexPipe.Output => _writer;

    public override void Abort() => Abort(new ConnectionAbortedException("The connection was aborted by the application"));

    public override void Abort(ConnectionAbortedException abortReason)
    {
        if (abortReason is null)
        {
            // So Kestrel answers a ConnectionClosed of ours: the wire has ended by itself, and there is nothing to reset.
            return;
        }

        lock (_lock)
        {
            if (_abortReason is not null || _disposed)
            {
                return;
            }

            _socket?.Dispose();
            Volatile.Write(ref _abortReason, abortReason);
        }

        _transport.Abort();
        WireEnded();
    }

    void IPipeOwner.InputPauses() => _writer.SendHeld();

    /// <summary>Begins to tell that the connection is over, on the thread pool: user code hears of it.</summary>
    public void WireEnded()
    {
        lock (_lock)
        {
            _closing ??= TellClosedAsync();
        }
    }

    /// <summary>
    /// Sends what is left and the end of the stream, reads on until the peer has finished too (else the kernel would reset the connection
    /// and destroy what is on its way), each for a bounded time, and releases the wire.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        var flushed = _writer.EndAsync();
        if (!flushed.IsCompleted && !await EndsWithinAsync(flushed, _settings.FlushTimeout).ConfigureAwait(false))
        {
            Abort(new ConnectionAbortedException($"The peer did not take the rest within {_settings.FlushTimeout.TotalSeconds} s"));
            await flushed.ConfigureAwait(false);
        }

        var drained = _reader.EndAsync(discard: Volatile.Read(ref _abortReason) is null);
        if (!drained.IsCompleted && !await EndsWithinAsync(drained, _settings.CloseTimeout).ConfigureAwait(false))
        {
            Abort(new ConnectionAbortedException($"The peer did not finish within {_settings.CloseTimeout.TotalSeconds} s"));
            await drained.ConfigureAwait(false);
        }

        WireEnded();
        await _closing!.ConfigureAwait(false);
        await _hungUp.DisposeAsync().ConfigureAwait(false);
        lock (_lock)
        {
            _disposed = true;
            _socket?.Dispose();
        }

        await _transport.DisposeAsync().ConfigureAwait(false);
        _closed.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async Task EndSoonAsync()
    {
        await WithinAsync(time => Task.Delay(HangUpGrace, time, ConnectionClosed)).ConfigureAwait(false);
        WireEnded();
    }

    private async Task<bool> EndsWithinAsync(Task task, TimeSpan timeout)
    {
        await WithinAsync(time => task.WaitAsync(timeout, time)).ConfigureAwait(false);
        return task.IsCompleted;
    }

    /// <summary>Waits by the app's clock; where that gives no timer, by the system's: the connection must end.</summary>
    private async Task WithinAsync(Func<TimeProvider, Task> wait)
    {
        Task waited;
        try
        {
            waited = wait(_settings.TimeProvider);
        }
#pragma warning disable CA1031 // A clock of somebody else's.
        catch (Exception)
#pragma warning restore CA1031
        {
            waited = wait(TimeProvider.System);
        }

        await waited.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task TellClosedAsync()
    {
        try
        {
            await _closed.CancelAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // What listens is user code.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            AspNetCoreLog.ClosedCallbackFailed(_settings.Logger, ConnectionId, exception);
        }
    }
}
