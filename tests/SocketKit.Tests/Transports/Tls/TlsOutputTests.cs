using SocketKit.Tests.TestDoubles;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

/// <summary>The sender and a read that answers the peer write to one wire: one send at a time, in order, and nobody's bytes in another's
/// buffer.</summary>
[Trait("Fault", "X41")]
public class TlsOutputTests
{
    private readonly List<string> _sent = [];
    private readonly Queue<TaskCompletionSource> _underWay = new();
    private readonly TlsOutput _output;
    private int _atOnce;

    public TlsOutputTests() => _output = new TlsOutput(SendAsync);

    [Fact]
    public async Task What_is_written_during_a_send_follows_it()
    {
        var first = _output.WriteAsync("a"u8.ToArray()).AsTask();
        var second = _output.WriteAsync("b"u8.ToArray()).AsTask();
        _sent.Should().Equal("a");

        await CompleteAsync();
        second.IsCompleted.Should().BeFalse();
        await CompleteAsync();

        await Task.WhenAll(first, second).WaitAsync(TestBed.Patience);
        _sent.Should().Equal("a", "b");
    }

    [Fact]
    public async Task What_is_written_while_the_gathered_bytes_are_sent_does_not_touch_them()
    {
        _output.BeginGathering(10);
        _output.WriteAsync("aa"u8.ToArray()).IsCompletedSuccessfully.Should().BeTrue();
        _output.WriteAsync("bb"u8.ToArray()).IsCompletedSuccessfully.Should().BeTrue();
        _sent.Should().BeEmpty();
        var gathered = _output.SendGatheredAsync().AsTask();
        var other = _output.WriteAsync("c"u8.ToArray()).AsTask();

        await CompleteAsync();
        await CompleteAsync();

        await Task.WhenAll(gathered, other).WaitAsync(TestBed.Patience);
        (await DoneAsync(_output.EndGatheringAsync())).Should().Equal("aabb", "c");
    }

    [Fact]
    public async Task What_is_gathered_during_anothers_send_is_not_lost()
    {
        var other = _output.WriteAsync("a"u8.ToArray()).AsTask();
        _output.BeginGathering(10);
        var written = _output.WriteAsync("b"u8.ToArray()).AsTask();
        var gathered = _output.SendGatheredAsync().AsTask();
        written.IsCompleted.Should().BeFalse();

        await CompleteAsync();
        await CompleteAsync();

        await Task.WhenAll(other, written, gathered).WaitAsync(TestBed.Patience);
        (await DoneAsync(_output.EndGatheringAsync())).Should().Equal("a", "b");
    }

    [Fact]
    public async Task What_comes_after_the_last_gathered_piece_is_sent_at_the_end()
    {
        _output.BeginGathering(10);
        await _output.WriteAsync("a"u8.ToArray());

        var end = _output.EndGatheringAsync();
        await CompleteAsync();

        (await DoneAsync(end)).Should().Equal("a");
        _ = _output.WriteAsync("b"u8.ToArray());
        _sent.Should().Equal("a", "b");
    }

    [Fact]
    public async Task A_failure_is_told_to_both()
    {
        var first = _output.WriteAsync("a"u8.ToArray()).AsTask();
        var second = _output.WriteAsync("b"u8.ToArray()).AsTask();

        _atOnce = 0;
        await Task.Run(() => _underWay.Dequeue().SetException(new IOException("the tunnel fell down")));

        foreach (var write in new[] { first, second })
        {
            await FluentActions.Awaiting(() => write.WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>();
        }

        _ = _output.WriteAsync("c"u8.ToArray());
        _sent.Should().Equal("a", "c");
    }

    [Fact]
    public async Task Two_writers_at_once_never_meet_on_the_wire_and_keep_their_orders()
    {
        const int Each = 5_000;
        var (inside, wrong) = (0, 0);
        var numbers = new List<int>();
        var output = new TlsOutput(async bytes =>
        {
            if (Interlocked.Increment(ref inside) != 1)
            {
                Interlocked.Increment(ref wrong);
            }

            numbers.AddRange(bytes.ToArray().Chunk(4).Select(piece => BitConverter.ToInt32(piece)));
            if (numbers.Count % 3 == 0)
            {
                await Task.Yield();
            }

            Interlocked.Decrement(ref inside);
        });

        await Task.WhenAll(Task.Run(() => WriteAsync(0, gather: true)), Task.Run(() => WriteAsync(1, gather: false))).WaitAsync(TestBed.Patience);

        wrong.Should().Be(0);
        numbers.Where(number => number % 2 == 0).Should().Equal(Enumerable.Range(0, Each).Select(i => 2 * i));
        numbers.Where(number => number % 2 == 1).Should().Equal(Enumerable.Range(0, Each).Select(i => (2 * i) + 1));

        async Task WriteAsync(int parity, bool gather)
        {
            for (var i = 0; i < Each;)
            {
                if (gather)
                {
                    output.BeginGathering(16);
                }

                for (var batch = 0; batch < (gather ? 5 : 1); batch++, i++)
                {
                    await output.WriteAsync(BitConverter.GetBytes((2 * i) + parity));
                }

                if (gather)
                {
                    await output.SendGatheredAsync();
                    await output.EndGatheringAsync();
                }
            }
        }
    }

    private async Task<List<string>> DoneAsync(ValueTask task)
    {
        await task.AsTask().WaitAsync(TestBed.Patience);
        return _sent;
    }

    private ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        Interlocked.Increment(ref _atOnce).Should().Be(1);
        _sent.Add(System.Text.Encoding.ASCII.GetString(bytes.Span));
        var send = new TaskCompletionSource();
        _underWay.Enqueue(send);
        return new ValueTask(send.Task);
    }

    /// <summary>On a thread without a context, so that what follows has happened when this is over.</summary>
    private Task CompleteAsync() => Task.Run(() =>
    {
        _atOnce--;
        _underWay.Dequeue().SetResult();
    });
}
