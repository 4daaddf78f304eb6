namespace SocketKit.Tests.TestDoubles;

/// <summary>A listener whose wires take note of what their connections ask of them, and which can be told to fail.</summary>
internal sealed class WatchedListener(Listener inner) : DelegatingListener(inner)
{
    public List<WatchedTransport> Wires { get; } = [];

    public Queue<Exception> Failures { get; } = new();

    /// <summary>What the next wires do in their OpenAsync.</summary>
    public Func<CancellationToken, ValueTask> Opening { get; set; } = _ => default;

    /// <summary>The next wires preserve message boundaries: what one send of the peer brings is one message.</summary>
    public bool PreservesMessageBoundaries { get; set; }

    /// <summary>See <see cref="WatchedTransport.YieldsAtOnce"/>.</summary>
    public bool YieldsAtOnce { get; set; }

    /// <summary>What the next wires say of their peers' ends; set, it is all that they say.</summary>
    public CancellationToken HungUp { get; set; }

    /// <summary>See <see cref="WatchedTransport.IsBroken"/>.</summary>
    public bool AreBroken { get; set; }

    public int Accepts { get; private set; }

    public WatchedTransport Wire => Wires.Single();

    public override async ValueTask<Transport?> AcceptAsync()
    {
        Accepts++;
        if (Failures.TryDequeue(out var failure))
        {
            throw failure;
        }

        if (await base.AcceptAsync().ConfigureAwait(false) is not { } transport)
        {
            return null;
        }

        var wire = new WatchedTransport(transport, Opening, PreservesMessageBoundaries) { YieldsAtOnce = YieldsAtOnce, IsBroken = AreBroken, HungUpToken = HungUp };
        Wires.Add(wire);
        return wire;
    }
}

/// <summary>A wire that takes note of what its connection asks of it, and that no verb is used twice at a time.</summary>
internal sealed class WatchedTransport(Transport inner, Func<CancellationToken, ValueTask> opening, bool preservesBoundaries) : DelegatingTransport(inner)
{
    private int _sending;
    private int _receiving;

    /// <summary>The lengths of the batches sent.</summary>
    public List<int> Sends { get; } = [];

    /// <summary>The lengths of the buffers that receives came with; 0 is a wait.</summary>
    public List<int> Receives { get; } = [];

    /// <summary>Bytes received.</summary>
    public long Received { get; private set; }

    public Exception? SendFailure { get; set; }

    public Exception? FinishFailure { get; set; }

    /// <summary>Called by every send, before it begins.</summary>
    public Action Sending { get; set; } = () => { };

    /// <summary>Verbs used twice at a time, and verbs used after the release.</summary>
    public int Violations { get; private set; }

    public bool Aborted { get; private set; }

    public bool Finished { get; private set; }

    public bool Disposed { get; private set; }

    /// <summary>The wire says that bytes wait which nobody has fetched.</summary>
    public bool Unread { get; set; }

    public override long BytesUnread => Unread ? 1 : base.BytesUnread;

    public override bool CompletesInDefaultContext => false;

    /// <summary>See <see cref="WatchedListener.HungUp"/>.</summary>
    public CancellationToken HungUpToken { get; init; }

    public override CancellationToken HungUp => HungUpToken;

    public override bool Observe(ITransportObserver observer) => base.Observe(observer) && !HungUpToken.CanBeCanceled;

    /// <summary>Yields are over before anybody looks, as another thread may bring about with any.</summary>
    public bool YieldsAtOnce { get; init; }

    public override bool PreservesMessageBoundaries => IsBroken ? throw new InvalidOperationException("broken") : preservesBoundaries;

    /// <summary>It throws when it is asked what it is like.</summary>
    public bool IsBroken { get; init; }

    public override ValueTask OpenAsync(CancellationToken cancellationToken) => opening(cancellationToken);

    public override async ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
    {
        Enter(ref _receiving);
        try
        {
            Receives.Add(buffer.Length);
            var received = await base.ReceiveAsync(buffer).ConfigureAwait(false);
            Received += received.Count;
            return preservesBoundaries && received.Count > 0 ? received with { EndOfMessage = true } : received;
        }
        finally
        {
            Volatile.Write(ref _receiving, 0);
        }
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        Enter(ref _sending);
        try
        {
            Sends.Add(batch.Length);
            Sending();
            if (SendFailure is not null)
            {
                throw SendFailure;
            }

            await base.SendAsync(batch).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _sending, 0);
        }
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> batch, ReadOnlyMemory<int> messageEnds)
    {
        var start = 0;
        foreach (var end in messageEnds.ToArray())
        {
            await SendAsync(batch[start..end]).ConfigureAwait(false);
            start = end;
        }
    }

    public override ValueTask CompleteOutputAsync()
    {
        Finished = true;
        if (FinishFailure is not null)
        {
            throw FinishFailure;
        }

        return base.CompleteOutputAsync();
    }

    public override ValueTask YieldAsync() => YieldsAtOnce ? default : base.YieldAsync();

    public override void Abort()
    {
        Aborted = true;
        base.Abort();
    }

    public override ValueTask DisposeAsync()
    {
        Violations += Disposed || _sending != 0 || _receiving != 0 ? 1 : 0;
        Disposed = true;
        return base.DisposeAsync();
    }

    private void Enter(ref int verb)
    {
        if (Interlocked.Exchange(ref verb, 1) != 0 || Disposed)
        {
            Violations++;
        }
    }
}
