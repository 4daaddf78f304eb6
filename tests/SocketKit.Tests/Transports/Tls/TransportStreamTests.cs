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

        (await ReadAsync(stream)).Should().Be(Records.Length);

        _wire.Yields.Should().Be(1);
        _asked.Should().Equal(16 * 1024, 1024);
    }

    [Fact]
    public async Task Behind_data_it_receives_as_it_is_asked_to()
    {
        var stream = Open();
        await ReadAsync(stream);
        stream.Rewarded(Records.Length);

        await ReadAsync(stream);

        _wire.Yields.Should().Be(0);
        _asked.Should().Equal(16 * 1024, 16 * 1024);
    }

    // As SslStream does: inside the engine, which the stream leaves while it waits.
    private async Task<int> ReadAsync(TransportStream stream)
    {
        await stream.Engine.EnterReadAsync();
        var read = stream.ReadAsync(new byte[16 * 1024]).AsTask();
        await Eventually.TrueAsync(() => _wire.Receives.Count > _asked.Count);
        var receive = _wire.Receives.Last();
        _asked.Add(receive.Buffer.Length);
        Records.CopyTo(receive.Buffer);
        receive.SetResult(new Received(Records.Length, EndOfMessage: false));
        var count = await read.WaitAsync(TestBed.Patience);
        stream.Engine.ExitRead();
        return count;
    }

    private TransportStream Open()
    {
        var stream = new TransportStream(_wire, server: false);
        stream.EndHandshake(new FakeTimeProvider());
        return stream;
    }
}
