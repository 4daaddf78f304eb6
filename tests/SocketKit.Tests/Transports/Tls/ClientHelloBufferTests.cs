using System.Buffers.Binary;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

[Trait("Fault", "X23")]
public class ClientHelloBufferTests
{
    private static readonly byte[] Message = Hello(300);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(100)]
    [InlineData(303)]
    public void A_hello_in_several_records_becomes_one(int size)
    {
        var cut = Records(Message, size);
        foreach (var chunk in new[] { 1, 7, 64, cut.Length })
        {
            Pass(cut, chunk).Should().Equal(Records(Message, Message.Length));
        }
    }

    [Fact]
    public void What_follows_the_hello_passes_unchanged()
    {
        byte[] behind = [20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 2, 9, 9];

        Pass([.. Records(Message, 100), .. behind], 1000).Should().Equal([.. Records(Message, Message.Length), .. behind]);
    }

    public static TheoryData<string, byte[]> Unchanged => new()
    {
        { "a hello in one record", Records(Message, Message.Length) },
        { "a hello in one record, with another message", Records([.. Message, 11, 0, 0, 0], 1000) },
        { "half of one", Records(Message, Message.Length)[..100] },
        { "another message", [22, 3, 1, 0, 5, 2, 0, 0, 1, 0] },
        { "an empty record", [22, 3, 1, 0, 0, 22, 3, 1, 0, 0] },
        { "an alert", [21, 3, 1, 0, 2, 2, 40] },
        { "no TLS", "GET / HTTP/1.1\\r\\n\\r\\n"u8.ToArray() },
        { "a record that is too large", [22, 3, 1, 0xff, 0xff, 1, 1, 1, 1, 1] },
        { "nothing", [] },
    };

    [Theory]
    [MemberData(nameof(Unchanged))]
    public void What_needs_no_merging_passes_unchanged(string what, byte[] bytes)
    {
        foreach (var chunk in new[] { 1, 6, Math.Max(1, bytes.Length) })
        {
            Pass(bytes, chunk).Should().Equal(bytes, what);
        }
    }

    [Theory]
    [InlineData(16 * 1024 - 4, true)]
    [InlineData(16 * 1024 - 3, false)]
    public void A_hello_is_merged_as_far_as_one_record_may_hold_it(int length, bool merged)
    {
        var hello = Hello(length);

        var passed = Pass(Records(hello, 1000), 333);

        BinaryPrimitives.ReadUInt16BigEndian(passed.AsSpan(3)).Should().Be((ushort)(merged ? hello.Length : 1000));
        Payload(passed).Should().Equal(hello);
    }

    [Fact]
    public void A_peer_that_cuts_as_small_as_it_can_holds_no_more_than_two_records_of_memory()
    {
        var buffer = new ClientHelloBuffer();
        var most = 0;
        foreach (var one in Records(Hello(16 * 1024 - 4), 1))
        {
            var free = buffer.GetFree();
            most = Math.Max(most, free.Length);
            free.Span[0] = one;
            buffer.Advance(1);
        }

        buffer.IsReady.Should().BeTrue();
        most.Should().BeLessThanOrEqualTo(32 * 1024);
    }

    [Fact]
    public void The_end_in_the_middle_gives_what_there_is()
    {
        var cut = Records(Message, 100);

        Pass(cut[..250], 50).Should().StartWith([22, 3, 1, 0, 200]).And.HaveCount(5 + 200 + 40);
    }

    private static byte[] Hello(int length) => [1, 0, (byte)(length >> 8), (byte)length, .. Enumerable.Range(0, length).Select(i => (byte)(i % 251))];

    private static byte[] Records(byte[] message, int size) => [.. message.Chunk(size).SelectMany(piece => (byte[])[22, 3, 1, (byte)(piece.Length >> 8), (byte)piece.Length, .. piece])];

    private static byte[] Payload(byte[] records)
    {
        var payload = new List<byte>();
        for (var at = 0; at < records.Length;)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(records.AsSpan(at + 3));
            payload.AddRange(records.AsSpan(at + 5, length));
            at += 5 + length;
        }

        return [.. payload];
    }

    /// <summary>What comes out, when the bytes come in such pieces; behind what is ready they are not the buffer's.</summary>
    private static byte[] Pass(byte[] bytes, int chunk)
    {
        var buffer = new ClientHelloBuffer();
        var at = 0;
        while (!buffer.IsReady)
        {
            var free = buffer.GetFree().Span;
            var count = Math.Min(Math.Min(chunk, bytes.Length - at), free.Length);
            bytes.AsSpan(at, count).CopyTo(free);
            at += count;
            buffer.Advance(count);
        }

        var output = new List<byte>();
        var some = new byte[37];
        for (int count; (count = buffer.Take(some)) > 0;)
        {
            output.AddRange(some.AsSpan(0, count));
        }

        buffer.IsEmpty.Should().BeTrue();
        output.AddRange(bytes.AsSpan(at));
        return [.. output];
    }
}
