using CsCheck;
using SocketKit.Transports.InMemory;

namespace SocketKit.Tests.Transports.InMemory;

public class ByteRingTests
{
    [Fact]
    public void Any_mix_of_writes_and_reads_keeps_all_bytes_in_order_and_the_capacity()
    {
        Gen.Select(Gen.Int[1, 5000], Gen.Int[0, 3000].Array[1, 60]).Sample((capacity, lengths) =>
        {
            var ring = new ByteRing(capacity);
            var model = new Queue<byte>();
            byte next = 0;
            for (var i = 0; i < lengths.Length; i++)
            {
                var bytes = new byte[lengths[i]];
                if (i % 3 != 2)
                {
                    foreach (ref var value in bytes.AsSpan())
                    {
                        value = next++;
                    }

                    var taken = ring.Write(bytes);
                    taken.Should().Be(Math.Min(bytes.Length, capacity - model.Count));
                    bytes.AsSpan(0, taken).ToArray().ToList().ForEach(model.Enqueue);
                    next -= (byte)(bytes.Length - taken);
                }
                else
                {
                    var given = ring.Read(bytes);
                    given.Should().Be(Math.Min(bytes.Length, model.Count));
                    bytes.AsSpan(0, given).ToArray().Should().Equal(Enumerable.Range(0, given).Select(_ => model.Dequeue()));
                }

                ring.Count.Should().Be(model.Count);
            }

            ring.Release();
            ring.Count.Should().Be(0);
        });
    }
}
