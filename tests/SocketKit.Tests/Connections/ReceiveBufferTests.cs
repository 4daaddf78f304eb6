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
