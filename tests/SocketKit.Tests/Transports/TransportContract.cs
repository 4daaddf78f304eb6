using System.Net.Sockets;
using System.Security.Cryptography;

namespace SocketKit.Tests.Transports;

/// <summary>What every <see cref="Transport"/> holds. A wire derives from it and gives pairs of connected ends.</summary>
public abstract partial class TransportContract : TransportContractPairs
{
    /// <summary>
    /// An abort reaches the peer as a reset. A wire that has none shows the end of the stream instead, and a broken pipe to who sends.
    /// </summary>
    protected virtual bool HasResets => true;

    [Fact]
    public async Task A_receive_gets_what_the_other_end_sent()
    {
        var (left, right) = await PairAsync();

        await SendAsync(left, [1, 2, 3]);

        (await ReceiveExactlyAsync(right, 3)).Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task A_receive_that_waits_gets_what_the_other_end_sends_later()
    {
        var (left, right) = await PairAsync();
        var receive = ReceiveExactlyAsync(left, 3);
        receive.IsCompleted.Should().BeFalse();

        await SendAsync(right, [1, 2, 3]);

        (await receive.WaitAsync(Patience)).Should().Equal(1, 2, 3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(1000)]
    public async Task An_empty_receive_waits_until_something_came_and_consumes_nothing(int length)
    {
        var (left, right) = await PairAsync();
        var wait = right.ReceiveAsync(Memory<byte>.Empty).AsTask();
        wait.IsCompleted.Should().BeFalse();
        var sent = Bytes(length);

        await SendAsync(left, sent);
        (await wait.WaitAsync(Patience)).Should().Be(default(ReceiveResult));
        (await right.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(Patience)).Should().Be(default(ReceiveResult));

        (await ReceiveExactlyAsync(right, length)).Should().Equal(sent);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(300)]
    public async Task After_an_empty_receive_small_buffers_get_all_bytes_in_order(int bufferLength)
    {
        var (left, right) = await PairAsync();
        var wait = right.ReceiveAsync(Memory<byte>.Empty).AsTask();
        var sent = Bytes(777);
        await SendAsync(left, sent);
        await wait.WaitAsync(Patience);

        var received = new List<byte>();
        while (received.Count < sent.Length)
        {
            var buffer = new byte[bufferLength];
            var count = (await right.ReceiveAsync(buffer).AsTask().WaitAsync(Patience)).Count;
            count.Should().BeInRange(1, bufferLength);
            received.AddRange(buffer.AsSpan(0, count).ToArray());
        }

        received.Should().Equal(sent);
    }

    [Fact]
    public async Task Both_ends_move_much_at_once_and_nothing_is_lost_or_out_of_order()
    {
        var (left, right) = await PairAsync();
        const int Length = 8 * 1024 * 1024;

        var transfers = Task.WhenAll(
            SendHashedAsync(left, Length, seed: 1), ReceiveHashedAsync(right, Length), SendHashedAsync(right, Length, seed: 2), ReceiveHashedAsync(left, Length));
        var hashes = await transfers.WaitAsync(TimeSpan.FromSeconds(60));

        hashes[1].Should().Be(hashes[0]);
        hashes[3].Should().Be(hashes[2]);
        left.BytesSent.Should().Be(Length);
        right.BytesSent.Should().Be(Length);
    }

    protected static async Task<byte[]> ReceiveExactlyAsync(Transport transport, int length)
    {
        var bytes = new byte[length];
        for (var have = 0; have < length;)
        {
            var received = await transport.ReceiveAsync(bytes.AsMemory(have)).AsTask().WaitAsync(Patience);
            received.Count.Should().BePositive("the other end has not finished");
            have += received.Count;
        }

        return bytes;
    }

    /// <summary>Receives until the other end has finished.</summary>
    protected static async Task<long> ReceiveToEndAsync(Transport transport)
    {
        var buffer = new byte[64 * 1024];
        for (long total = 0; ;)
        {
            var received = await transport.ReceiveAsync(buffer).AsTask().WaitAsync(Patience);
            if (received.Count == 0)
            {
                return total;
            }

            total += received.Count;
        }
    }

    private static async Task<string> SendHashedAsync(Transport transport, int length, int seed)
    {
        var random = new Random(seed);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var left = length; left > 0;)
        {
            var batch = new byte[Math.Min(left, random.Next(1, 200_000))];
            random.NextBytes(batch);
            hash.AppendData(batch);
            await transport.SendAsync(batch);
            left -= batch.Length;
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static async Task<string> ReceiveHashedAsync(Transport transport, int length)
    {
        var random = new Random(length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[100_000];
        for (var left = length; left > 0;)
        {
            if (random.Next(3) == 0)
            {
                await transport.ReceiveAsync(Memory<byte>.Empty);
            }

            var received = await transport.ReceiveAsync(buffer.AsMemory(0, random.Next(1, buffer.Length)));
            received.Count.Should().BePositive();
            hash.AppendData(buffer, 0, received.Count);
            left -= received.Count;
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>The code of a wire's exception, which is a <see cref="SocketException"/> or has one inside.</summary>
    protected static SocketError? ErrorOf(Exception? exception) =>
        exception switch
        {
            null => null,
            SocketException socket => socket.SocketErrorCode,
            _ => ErrorOf(exception.InnerException),
        };
}
