using CsCheck;
using SocketKit.Connections;

namespace SocketKit.Tests.Connections;

public class ReceiveBufferTests
{
    [Fact]
    public void It_grows_by_doubling_as_bytes_arrive_up_to_the_frame_limit()
    {
        var buffer = new ReceiveBuffer(poison: true, maxFrameLength: 256 * 1024);
        var largest = 0;
        for (var have = 0; have < 256 * 1024;)
        {
            var free = buffer.GetFree();
            free.Length.Should().BePositive();
            (have + free.Length).Should().BeLessOrEqualTo(Math.Max(16 * 1024, 4 * have));
            var count = Math.Min(free.Length, 1000);
            buffer.Advance(count);
            have += count;
            largest = Math.Max(largest, buffer.Length);
        }

        largest.Should().BeGreaterOrEqualTo(256 * 1024);
    }

    [Theory, Trait("Fault", "X14")]
    [InlineData(1)]
    [InlineData(16 * 1024)]
    [InlineData(1024 * 1024)]
    [InlineData((768 << 20) + 1)]
    [InlineData(1 << 30)]
    public void It_grows_to_any_frame_that_is_allowed_with_room_behind_it(int maxFrameLength)
    {
        // A frame that is not whole yet, of which the last byte is missing: the window must grow until a quarter is free behind it.
        var size = ConnectionSettings.ReceiveBufferSize;
        var steps = 0;
        while (size - (maxFrameLength - 1L) < size / 4 && steps++ < 40)
        {
            var next = ReceiveBuffer.NextSize(size, maxFrameLength);
            next.Should().BeInRange(size + 1, Array.MaxLength).And.BeLessThanOrEqualTo((int)Math.Min(2L * size, int.MaxValue));
            size = next;
        }

        size.Should().BeGreaterThan(maxFrameLength);
        ReceiveBuffer.NextSize(size, maxFrameLength).Should().BeLessThanOrEqualTo(Array.MaxLength);
    }

    [Fact]
    public void Whatever_is_received_consumed_and_detached_the_window_holds_the_right_bytes() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 9_000]).Array[1, 60].Sample(steps =>
        {
            var buffer = new ReceiveBuffer(poison: true, maxFrameLength: 100_000);
            var model = new Queue<byte>();
            byte next = 0;
            foreach (var (step, size) in steps)
            {
                switch (step)
                {
                    case 0 or 1:
                        var free = buffer.GetFree();
                        var count = Math.Min(size, free.Length);
                        for (var i = 0; i < count; i++)
                        {
                            free.Span[i] = next;
                            model.Enqueue(next++);
                        }

                        buffer.Advance(count);
                        break;
                    case 2:
                        var consumed = Math.Min(size, buffer.Length);
                        buffer.Consume(consumed);
                        for (var i = 0; i < consumed; i++)
                        {
                            model.Dequeue();
                        }

                        break;
                    default:
                        if (buffer.Length > 0)
                        {
                            var first = Math.Min(size, buffer.Length);
                            var slice = buffer.Memory[..first];
                            var expected = model.Take(first).ToArray();
                            buffer.Consume(first);
                            for (var i = 0; i < first; i++)
                            {
                                model.Dequeue();
                            }

                            var detached = buffer.Detach();
                            if (!slice.Span.SequenceEqual(expected))
                            {
                                return false;
                            }

                            buffer.Return(detached);
                        }

                        break;
                }

                if (!buffer.Span.SequenceEqual(model.ToArray()))
                {
                    return false;
                }
            }

            return true;
        });
}
