using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

public class TlsRecordCounterTests
{
    [Theory, Trait("Fault", "X48")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(7)]
    [InlineData(1000)]
    [InlineData(100_000)]
    public void Records_are_counted_where_they_end_however_the_bytes_are_cut(int piece)
    {
        int[] lengths = [0, 1, 16_384, 22, 22, 0, 0, 300, 5];
        var stream = new List<byte>();
        var ends = new List<int>();
        foreach (var length in lengths)
        {
            stream.AddRange([23, 3, 3, (byte)(length >> 8), (byte)length]);
            stream.AddRange(Enumerable.Repeat((byte)23, length));
            ends.Add(stream.Count);
        }

        var counter = new TlsRecordCounter();
        var counted = 0;
        byte[] all = [.. stream];
        for (var at = 0; at < all.Length; at += piece)
        {
            var end = Math.Min(at + piece, all.Length);
            counted += counter.Count(all.AsSpan(at..end));
            counted.Should().Be(ends.Count(one => one <= end), "{0} bytes have come", end);
            counter.EndedBytes.Should().Be(lengths.Take(counted).Sum());
            var next = counted < ends.Count ? ends[counted] : all.Length;
            counter.ToNext.Should().BeInRange(1, Math.Max(5, next - end + 5));
        }
    }
}
