using System.Net.Sockets;

namespace SocketKit.Tests.Transports;

/// <summary>
/// What every <see cref="Transport"/> that preserves message boundaries holds beside the rest. One that may lose messages holds it on a
/// link that loses none.
/// </summary>
public abstract class MessageTransportContract : TransportContractPairs
{
    protected override async Task<(Transport Left, Transport Right)> PairAsync()
    {
        var (left, right) = await base.PairAsync();
        left.PreservesMessageBoundaries.Should().BeTrue();
        right.PreservesMessageBoundaries.Should().BeTrue();
        return (left, right);
    }

    [Fact]
    public async Task One_send_is_one_receive_also_of_an_empty_message()
    {
        var (left, right) = await PairAsync();

        await SendAsync(left, [1, 2]);
        await SendAsync(left, []);
        await SendAsync(left, [3]);

        (await ReceiveAsync(right)).Should().Equal(1, 2);
        (await ReceiveAsync(right)).Should().BeEmpty();
        (await ReceiveAsync(right)).Should().Equal(3);
        left.BytesSent.Should().Be(3);
    }

    [Fact]
    public async Task An_empty_message_ends_a_receive_that_waits()
    {
        var (left, right) = await PairAsync();
        var receive = ReceiveAsync(right);
        receive.IsCompleted.Should().BeFalse();

        await SendAsync(left, []);

        (await receive.WaitAsync(Patience)).Should().BeEmpty();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public async Task An_empty_buffer_waits_for_a_message_and_takes_nothing_of_it(int length)
    {
        var (left, right) = await PairAsync();
        var wait = right.ReceiveAsync(Memory<byte>.Empty).AsTask();
        wait.IsCompleted.Should().BeFalse();
        var sent = Bytes(length);

        await SendAsync(left, sent);
        (await wait.WaitAsync(Patience)).Should().Be(default(ReceiveResult));
        (await right.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(Patience)).Should().Be(default(ReceiveResult));

        (await ReceiveAsync(right)).Should().Equal(sent);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(99)]
    [InlineData(100)]
    public async Task A_message_longer_than_the_buffer_comes_in_pieces_and_the_last_one_says_so(int bufferLength)
    {
        var (left, right) = await PairAsync();
        var sent = Bytes(300);
        await SendAsync(left, sent);
        await SendAsync(left, [9]);

        (await ReceiveAsync(right, bufferLength)).Should().Equal(sent);
        (await ReceiveAsync(right, bufferLength)).Should().Equal(9);
    }

    [Fact]
    public async Task A_batch_arrives_as_its_messages()
    {
        var (left, right) = await PairAsync();
        byte[] batch = [1, 2, 3, 4];
        int[] ends = [0, 2, 2, 3, 4, 4];

        var send = left.SendAsync(batch, ends).AsTask();

        byte[][] expected = [[], [1, 2], [], [3], [4], []];
        foreach (var message in expected)
        {
            (await ReceiveAsync(right)).Should().Equal(message);
        }

        await send.WaitAsync(Patience);
        left.BytesSent.Should().Be(4);
    }

    [Fact]
    public async Task Many_messages_of_any_length_both_ways_arrive_whole_and_in_order()
    {
        var (left, right) = await PairAsync();
        const int Count = 500;

        await Task.WhenAll(SendManyAsync(left, 1), ReceiveManyAsync(right, 1), SendManyAsync(right, 2), ReceiveManyAsync(left, 2)).WaitAsync(TimeSpan.FromSeconds(60));

        static async Task SendManyAsync(Transport transport, int seed)
        {
            var random = new Random(seed);
            for (var sent = 0; sent < Count;)
            {
                var batch = new List<byte>();
                var ends = new List<int>();
                for (var left = Math.Min(Count - sent, random.Next(1, 20)); left > 0; left--, sent++)
                {
                    batch.AddRange(Message(seed, sent));
                    ends.Add(batch.Count);
                }

                await transport.SendAsync(batch.ToArray(), ends.ToArray()).AsTask().WaitAsync(Patience);
            }
        }

        static async Task ReceiveManyAsync(Transport transport, int seed)
        {
            for (var i = 0; i < Count; i++)
            {
                (await ReceiveAsync(transport, 700)).Should().Equal(Message(seed, i));
            }
        }
    }

    [Fact]
    public async Task After_the_output_is_complete_what_was_sent_arrives_and_then_the_end()
    {
        var (left, right) = await PairAsync();
        await SendAsync(left, [1]);
        await SendAsync(left, []);

        await left.CompleteOutputAsync().AsTask().WaitAsync(Patience);

        (await ReceiveAsync(right)).Should().Equal(1);
        (await ReceiveAsync(right)).Should().BeEmpty();
        for (var i = 0; i < 3; i++)
        {
            (await right.ReceiveAsync(new byte[10]).AsTask().WaitAsync(Patience)).Should().Be(default(ReceiveResult), "an end is no empty message");
        }
    }

    [Fact]
    public async Task An_abort_ends_a_send_that_waits()
    {
        var (left, _) = await PairAsync();
        var many = new byte[1024 * 1024];
        var send = left.SendAsync(many, new[] { many.Length / 2, many.Length }).AsTask();
        if (send.IsCompleted)
        {
            // It takes more than that at once.
            return;
        }

        left.Abort();

        await FluentActions.Awaiting(() => send.WaitAsync(Patience)).Should().ThrowAsync<Exception>().Where(exception => exception is IOException || exception is SocketException);
    }

    /// <summary>Receives one message, in pieces if need be.</summary>
    protected static async Task<byte[]> ReceiveAsync(Transport transport, int bufferLength = 4096)
    {
        var message = new List<byte>();
        var buffer = new byte[bufferLength];
        while (true)
        {
            var received = await transport.ReceiveAsync(buffer).AsTask().WaitAsync(Patience);
            message.AddRange(buffer[..received.Count]);
            if (received.EndOfMessage)
            {
                return [.. message];
            }

            received.Count.Should().BePositive("the other end has not finished");
        }
    }

    private static byte[] Message(int seed, int number) => Bytes((number * 7919 * seed) % 5 == 0 ? 0 : (number * 7919 * seed) % 3000);
}
