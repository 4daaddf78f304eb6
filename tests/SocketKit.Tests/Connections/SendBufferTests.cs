using System.Buffers;
using CsCheck;
using SocketKit.Connections;

namespace SocketKit.Tests.Connections;

public class SendBufferTests
{
    [Fact]
    public void What_is_written_is_taken_in_order_whatever_is_cut_back_in_between() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3_000]).Array[1, 60].Sample(steps =>
        {
            var buffer = new SendBuffer();
            var expected = new List<byte>();
            var taken = new List<byte>();
            byte next = 0;
            foreach (var (step, size) in steps)
            {
                switch (step)
                {
                    case 0 or 1:
                        var mark = buffer.Mark();
                        for (var i = 0; i < size; i++)
                        {
                            buffer.Write<byte>([next]);
                            expected.Add(next++);
                        }

                        buffer.Seal();
                        break;
                    case 2:
                        mark = buffer.Mark();
                        buffer.Write(new byte[size]);
                        buffer.CutBack(mark);
                        break;
                    default:
                        if (buffer.TryTake(out var batch))
                        {
                            taken.AddRange(batch.ToArray());
                        }

                        break;
                }

                if (buffer.Length != expected.Count - taken.Count)
                {
                    return false;
                }
            }

            while (buffer.TryTake(out var batch))
            {
                taken.AddRange(batch.ToArray());
            }

            return buffer.IsEmpty && taken.SequenceEqual(expected);
        });

    [Fact]
    public void Where_boundaries_are_preserved_a_take_tells_where_each_message_ends_also_an_empty_one()
    {
        var buffer = new SendBuffer();
        buffer.PreserveBoundaries();
        foreach (var message in new byte[][] { [1, 2], [], [3] })
        {
            buffer.Write(message);
            buffer.Seal();
        }

        var mark = buffer.Mark();
        buffer.Write(new byte[100]);
        buffer.CutBack(mark);
        buffer.IsEmpty.Should().BeFalse();

        buffer.TryTake(out var batch).Should().BeTrue();
        var ends = buffer.EndsTaken;
        buffer.Seal();
        buffer.IsEmpty.Should().BeFalse("an empty message waits");

        batch.ToArray().Should().Equal(1, 2, 3);
        ends.ToArray().Should().Equal(2, 2, 3);
        buffer.MessagesTaken.Should().Be(3);
        buffer.TryTake(out batch).Should().BeTrue();
        batch.IsEmpty.Should().BeTrue();
        buffer.EndsTaken.ToArray().Should().Equal(0);
        buffer.TryTake(out _).Should().BeFalse();
        buffer.IsEmpty.Should().BeTrue();
        buffer.Release();
    }

    [Fact]
    public void Many_messages_and_those_that_are_dropped_leave_no_ends_behind()
    {
        var buffer = new SendBuffer();
        buffer.PreserveBoundaries();
        for (var round = 1; round <= 3; round++)
        {
            for (var i = 0; i < 100 * round; i++)
            {
                buffer.Write<byte>([(byte)i]);
                buffer.Seal();
            }

            if (round == 2)
            {
                buffer.Clear();
                buffer.IsEmpty.Should().BeTrue();
                continue;
            }

            buffer.TryTake(out var batch).Should().BeTrue();
            buffer.EndsTaken.ToArray().Should().Equal(Enumerable.Range(1, batch.Length));
        }

        buffer.Release();
    }

    [Fact]
    public void A_batch_stays_untouched_while_more_is_written()
    {
        var buffer = new SendBuffer();
        buffer.Write<byte>([1, 2, 3]);
        buffer.TryTake(out var batch);
        for (var i = 0; i < 10_000; i++)
        {
            buffer.Write<byte>([9]);
        }

        batch.ToArray().Should().Equal(1, 2, 3);
        buffer.Clear();
        buffer.IsEmpty.Should().BeTrue();
        batch.ToArray().Should().Equal(1, 2, 3);
        buffer.Release();
    }

    [Fact]
    public void Advancing_beyond_what_was_given_is_refused()
    {
        var buffer = new SendBuffer();
        var given = buffer.GetMemory(10).Length;
        buffer.Invoking(writer => writer.Advance(given + 1)).Should().Throw<ArgumentOutOfRangeException>();
        buffer.Invoking(writer => writer.Advance(-1)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact, Trait("Fault", "X14")]
    public void More_than_an_array_holds_is_refused_by_its_type()
    {
        var buffer = new SendBuffer();
        buffer.GetSpan(10);
        buffer.Advance(10);

        buffer.CanTake(Array.MaxLength - 10).Should().BeTrue();
        buffer.CanTake(Array.MaxLength - 9).Should().BeFalse();
        buffer.Invoking(it => it.GetSpan(Array.MaxLength - 9).Length).Should().Throw<FrameTooLargeException>();
        buffer.Length.Should().Be(10);
        buffer.Release();
    }
}
