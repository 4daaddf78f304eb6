using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Threading.Tasks.Sources;

namespace SocketKit.Tests.TestDoubles;

/// <summary>
/// A wire whose verbs end when the test says so, and then at once: what follows has happened when the test's call returns. An abort alone
/// ends none of them.
/// </summary>
internal sealed class HeldWire : Transport
{
    private static readonly IPEndPoint Nowhere = new(IPAddress.Loopback, 9);

    private int _finishes;
    private int _disposals;
    private int _yields;
    private volatile bool _over;

    public ConcurrentQueue<HeldVerb<ReceiveResult>> Receives { get; } = new();

    public ConcurrentQueue<HeldVerb<bool>> Sends { get; } = new();

    public bool Aborted { get; private set; }

    public bool Disposed => Disposals > 0;

    public int Disposals => Volatile.Read(ref _disposals);

    /// <summary>How often the end of the stream was sent.</summary>
    public int Finishes => Volatile.Read(ref _finishes);

    public override EndPoint? LocalEndPoint => Nowhere;

    public override EndPoint? RemoteEndPoint => Nowhere;

    public override long BytesSent => 0;

    /// <summary>Called when the connection asks how far the peer is.</summary>
    public Action? OnSendProgress { get; set; }

    /// <summary>What has arrived and is not fetched.</summary>
    public long Unread { get; set; } = -1;

    public override long BytesUnread => Unread;

    public override long SendProgress
    {
        get
        {
            OnSendProgress?.Invoke();
            return BytesSent;
        }
    }

    /// <summary>Ends the receive that waits with these bytes; first, if it waits without a buffer, that wait.</summary>
    public void Give(string text)
    {
        var receive = Receives.Last();
        if (receive.Buffer.IsEmpty)
        {
            receive.SetResult(default);
            receive = Receives.Last();
        }

        var count = Encoding.UTF8.GetBytes(text, receive.Buffer.Span);
        receive.SetResult(new ReceiveResult { Count = count });
    }

    /// <summary>Ends the receive that waits with the end of the stream.</summary>
    public void GiveEnd() => Give("");

    public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
    {
        var receive = new HeldVerb<ReceiveResult>(buffer);
        Receives.Enqueue(receive);
        Look(receive);
        return receive.Task;
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        var send = new HeldVerb<bool>(default);
        Sends.Enqueue(send);
        Look(send);
        return send.Completion;
    }

    public override ValueTask CompleteOutputAsync()
    {
        Interlocked.Increment(ref _finishes);
        return default;
    }

    /// <summary>How many turns were asked for.</summary>
    public int Yields => Volatile.Read(ref _yields);

    /// <summary>The test is over: nothing is held any more.</summary>
    public void EndAll()
    {
        _over = true;
        foreach (var receive in Receives)
        {
            Look(receive);
        }

        foreach (var send in Sends)
        {
            Look(send);
        }
    }

    private void Look<T>(HeldVerb<T> verb)
    {
        if (_over)
        {
            verb.SetException(new IOException("the test is over"));
        }
    }

    /// <summary>On the stack of whoever asks.</summary>
    public override ValueTask YieldAsync()
    {
        Interlocked.Increment(ref _yields);
        return new(AtOnce.Instance, 0);
    }

    public override void Abort() => Aborted = true;

    public override ValueTask DisposeAsync()
    {
        Interlocked.Increment(ref _disposals);
        return default;
    }

    private sealed class AtOnce : IValueTaskSource
    {
        public static AtOnce Instance { get; } = new();

        public ValueTaskSourceStatus GetStatus(short token) => ValueTaskSourceStatus.Pending;

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => continuation(state);

        public void GetResult(short token)
        {
        }
    }
}

/// <summary>A verb under way. Whoever awaits it goes on on the stack of whoever ends it.</summary>
internal sealed class HeldVerb<T>(Memory<byte> buffer) : IValueTaskSource<T>, IValueTaskSource
{
    private ManualResetValueTaskSourceCore<T> _core;
    private int _ended;

    public Memory<byte> Buffer => buffer;

    public ValueTask<T> Task => new(this, _core.Version);

    /// <summary>The same without a result.</summary>
    public ValueTask Completion => new(this, _core.Version);

    /// <summary>Only the first end counts.</summary>
    public void SetResult(T result)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _core.SetResult(result);
        }
    }

    /// <summary>Only the first end counts.</summary>
    public void SetException(Exception exception)
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _core.SetException(exception);
        }
    }

    T IValueTaskSource<T>.GetResult(short token) => _core.GetResult(token);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<T>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

/// <summary>A listener that brings one connection.</summary>
internal sealed class OneWireListener(Transport wire) : Listener
{
    private readonly TaskCompletionSource<Transport?> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Transport? _wire = wire;

    public override EndPoint EndPoint { get; } = new IPEndPoint(IPAddress.Loopback, 9);

    public override ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken) => default;

    public override ValueTask<Transport?> AcceptAsync() => Interlocked.Exchange(ref _wire, null) is { } only ? new(only) : new(_end.Task);

    public override ValueTask StopAsync()
    {
        _end.TrySetResult(null);
        return default;
    }

    public override ValueTask DisposeAsync() => StopAsync();
}

/// <summary>Test beds whose only connection is on such a wire.</summary>
internal static class HeldWires
{
    /// <summary>Starts a server, and waits until its connection is open and receives.</summary>
    public static async Task<TestBed> StartAsync(this HeldWire wire, Func<IConnection, ReadOnlyMemory<byte>, ValueTask>? onMessage = null, Action<SocketServerOptions>? configure = null)
    {
        var bed = await new TestBed().StartAsync(onMessage, options =>
        {
            options.Listeners.Clear();
            options.Listeners.Add(new OneWireListener(wire));
            configure?.Invoke(options);
        });
        bed.Ending = wire.EndAll;
        await Eventually.TrueAsync(() => !bed.Sessions.IsEmpty && !wire.Receives.IsEmpty);
        return bed;
    }
}
