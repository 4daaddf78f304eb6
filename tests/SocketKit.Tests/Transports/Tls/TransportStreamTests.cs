using Microsoft.Extensions.Time.Testing;
using SocketKit.Tests.TestDoubles;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

/// <summary>How the stream under TLS receives behind records that bring no data.</summary>
[Trait("Fault", "X37")]
public class TransportStreamTests
{
    /// <summary>Five records of one byte.</summary>
    private static readonly byte[] Records = [.. Enumerable.Repeat<byte[]>([22, 3, 3, 0, 1, 0], 5).SelectMany(record => record)];

    private readonly List<int> _asked = [];
    private readonly HeldWire _wire = new();

    [Fact]
    public async Task Behind_records_without_data_it_receives_little_and_behind_a_turn_of_the_others()
    {
        var stream = Open();
        (await ReadAsync(stream)).Should().Be(Records.Length);
        _wire.Yields.Should().Be(0);

        (await ReadAsync(stream)).Should().Be(5, "one record at a time");

        _wire.Yields.Should().Be(1);
        _asked.Should().Equal(16 * 1024, 5);
    }

    [Fact]
    public async Task Behind_data_it_receives_as_it_is_asked_to()
    {
        var stream = Open();
        await ReadAsync(stream);
        stream.Rewarded(5);

        await ReadAsync(stream);

        _wire.Yields.Should().Be(0);
        _asked.Should().Equal(16 * 1024, 16 * 1024);
    }

    [Fact]
    public async Task A_wary_one_never_receives_two_records_at_once()
    {
        var stream = Open(isWary: true);
        var lengths = new List<int>();
        for (var at = 0; at < Records.Length;)
        {
            await stream.Engine.EnterReadAsync();
            var read = stream.ReadAsync(new byte[16 * 1024]).AsTask();
            await Eventually.TrueAsync(() => _wire.Receives.Count > lengths.Count);
            var buffer = _wire.Receives.Last().Buffer;
            var count = Math.Min(buffer.Length, Records.Length - at);
            Records.AsSpan(at, count).CopyTo(buffer.Span);
            _wire.Receives.Last().SetResult(new ReceiveResult { Count = count });
            lengths.Add(await read.WaitAsync(TestBed.Patience));
            stream.Engine.ExitRead();
            stream.Rewarded(1);
            at += count;
        }

        // What stands in front of the first; then one to its end, and what stands in front of the next.
        lengths.Should().Equal(5, 6, 6, 6, 6, 1);
    }

    // As SslStream does: inside the engine, which the stream leaves while it waits.
    private async Task<int> ReadAsync(TransportStream stream)
    {
        await stream.Engine.EnterReadAsync();
        var read = stream.ReadAsync(new byte[16 * 1024]).AsTask();
        await Eventually.TrueAsync(() => _wire.Receives.Count > _asked.Count);
        var receive = _wire.Receives.Last();
        _asked.Add(receive.Buffer.Length);
        var given = Math.Min(Records.Length, receive.Buffer.Length);
        Records.AsSpan(0, given).CopyTo(receive.Buffer.Span);
        receive.SetResult(new ReceiveResult { Count = given });
        var count = await read.WaitAsync(TestBed.Patience);
        stream.Engine.ExitRead();
        return count;
    }

    private TransportStream Open(bool isWary = false)
    {
        var stream = new TransportStream(_wire, server: false);
        stream.EndHandshake(new TlsIdleWork(new FakeTimeProvider(), overhead: 0, isWary));
        return stream;
    }
}
