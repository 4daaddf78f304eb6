namespace SocketKit.Tests.Transports;

/// <summary>Tests that measure the process run alone.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;

/// <summary>What every wire keeps to, however long it runs. A wire derives from it and gives pairs of connected ends.</summary>
[Collection(nameof(Alone))]
public abstract class TransportCostContract
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Connects two ends.</summary>
    protected abstract ValueTask<(Transport Left, Transport Right)> ConnectAsync();

    /// <summary>
    /// Bytes. In a debug build the compiler makes asynchronous methods' states objects, so a wire that has such methods allocates them.
    /// </summary>
    protected virtual double MostPerRoundTrip => 1;

    [Theory]
    [InlineData(32)]
    [InlineData(5000)]
    public async Task A_round_trip_allocates_nothing(int length)
    {
        var (left, right) = await ConnectAsync();
        var echo = EchoAsync(right);
        (await Task.Run(() => RoundTripsAsync(left, length)).WaitAsync(Patience)).Should().BeLessThan(MostPerRoundTrip);
        await left.CompleteOutputAsync();
        await echo.WaitAsync(Patience);
        await left.DisposeAsync();
        await right.DisposeAsync();
    }

    [Fact]
    public async Task A_yield_allocates_nothing()
    {
        var (left, right) = await ConnectAsync();

        (await Task.Run(() => YieldsAsync(left)).WaitAsync(Patience)).Should().BeLessThan(1);
        left.Abort();
        right.Abort();
        await left.DisposeAsync();
        await right.DisposeAsync();
    }

    private static async Task<double> RoundTripsAsync(Transport transport, int length)
    {
        var buffer = new byte[length];
        var meter = new Meter();
        while (meter.GoesOn())
        {
            await transport.SendAsync(buffer).ConfigureAwait(false);
            for (var have = 0; have < length;)
            {
                await transport.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
                have += (await transport.ReceiveAsync(buffer.AsMemory(have)).ConfigureAwait(false)).Count;
            }
        }

        return meter.BytesPerRound;
    }

    private static async Task<double> YieldsAsync(Transport transport)
    {
        var meter = new Meter();
        while (meter.GoesOn())
        {
            await transport.YieldAsync().ConfigureAwait(false);
        }

        return meter.BytesPerRound;
    }

    private static async Task EchoAsync(Transport transport)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            await transport.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
            var received = await transport.ReceiveAsync(buffer).ConfigureAwait(false);
            if (received.Count == 0)
            {
                return;
            }

            await transport.SendAsync(buffer.AsMemory(0, received.Count)).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// What the process allocates per round, in the best of several runs, because the runtime allocates something of its own now and then:
    /// as many runs as it takes, and no more.
    /// </summary>
    private sealed class Meter
    {
        private const int Rounds = 1000;
        private const int Runs = 60;

        private long _before = GC.GetTotalAllocatedBytes(precise: true);
        private long _least = long.MaxValue;
        private int _round;

        public double BytesPerRound => _least / (double)Rounds;

        public bool GoesOn()
        {
            if (_round > 0 && _round % Rounds == 0)
            {
                var now = GC.GetTotalAllocatedBytes(precise: true);
                _least = Math.Min(_least, now - _before);
                _before = now;
            }

            return _least >= Rounds && _round++ < Rounds * Runs;
        }
    }
}
