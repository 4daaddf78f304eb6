namespace SocketKit.Load.TlsClose;

/// <summary>How connections ended, as their peer saw it.</summary>
internal sealed class EndCounts
{
    private long _clean;
    private long _truncated;
    private long _reset;
    private long _stuck;

    /// <summary>With close_notify.</summary>
    public long Clean => Interlocked.Read(ref _clean);

    /// <summary>The end of the stream without close_notify.</summary>
    public long Truncated => Interlocked.Read(ref _truncated);

    /// <summary>A reset, or bytes that are no TLS.</summary>
    public long Reset => Interlocked.Read(ref _reset);

    /// <summary>No end in time.</summary>
    public long Stuck => Interlocked.Read(ref _stuck);

    public long Total => Clean + Truncated + Reset + Stuck;

    public void CountClean() => Interlocked.Increment(ref _clean);

    public void CountTruncated() => Interlocked.Increment(ref _truncated);

    public void CountReset() => Interlocked.Increment(ref _reset);

    public void CountStuck() => Interlocked.Increment(ref _stuck);

    public override string ToString() => $"{Total}: {Clean} with close_notify, {Truncated} cut off, {Reset} reset, {Stuck} stuck";
}
