namespace SocketKit.Tests.Transports;

/// <summary>Makes the pairs of connected ends that a contract of transports tests, and releases them behind the test.</summary>
public abstract class TransportContractPairs : IAsyncLifetime
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly List<Transport> _made = [];

    /// <summary>Connects two ends.</summary>
    protected abstract ValueTask<(Transport Left, Transport Right)> ConnectAsync();

    public virtual Task InitializeAsync() => Task.CompletedTask;

    public virtual async Task DisposeAsync()
    {
        foreach (var transport in _made)
        {
            transport.Abort();
            await transport.DisposeAsync();
        }
    }

    /// <summary>Connects two ends and opens them.</summary>
    protected virtual async Task<(Transport Left, Transport Right)> PairAsync()
    {
        var (left, right) = await ConnectAsync();
        _made.Add(left);
        _made.Add(right);

        // At once: a handshake needs both.
        var (opening, other) = (left.OpenAsync(CancellationToken.None).AsTask(), right.OpenAsync(CancellationToken.None).AsTask());
        await Task.WhenAll(opening, other).WaitAsync(Patience);
        return (left, right);
    }

    protected static byte[] Bytes(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 31 / 7))];

    protected static Task SendAsync(Transport transport, byte[] bytes) => transport.SendAsync(bytes).AsTask().WaitAsync(Patience);
}
