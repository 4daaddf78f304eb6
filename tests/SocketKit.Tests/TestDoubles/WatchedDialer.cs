namespace SocketKit.Tests.TestDoubles;

/// <summary>A dialer that notes when it is asked, in virtual time since the start, and can be told what happens.</summary>
internal sealed class WatchedDialer(Dialer inner, TimeProvider time) : DelegatingDialer(inner)
{
    private readonly long _start = time.GetTimestamp();

    public List<TimeSpan> Dials { get; } = [];

    /// <summary>Called before each dial; may throw or wait in its place.</summary>
    public Func<CancellationToken, ValueTask> Dialling { get; set; } = _ => default;

    public override async ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken)
    {
        Dials.Add(time.GetElapsedTime(_start));
        await Dialling(cancellationToken).ConfigureAwait(false);
        return await base.DialAsync(services, cancellationToken).ConfigureAwait(false);
    }
}

/// <summary>A reconnect policy that a test scripts; gives up at the end of the script.</summary>
internal sealed class ScriptedReconnect(params double[] seconds) : IReconnectPolicy
{
    private readonly Queue<double> _seconds = new(seconds);

    /// <summary>What it was asked.</summary>
    public List<(int Attempt, CloseReason Reason)> Asked { get; } = [];

    public TimeSpan? NextDelay(int attempt, CloseReason reason)
    {
        Asked.Add((attempt, reason));
        return _seconds.TryDequeue(out var next) ? TimeSpan.FromSeconds(next) : null;
    }
}
