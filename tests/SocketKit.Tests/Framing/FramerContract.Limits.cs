using System.Buffers;
using SocketKit.Framing;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Framing;

// What a framer may cost: maximum lengths, time, memory, stack.
public abstract partial class FramerContract
{
    private const int Maximum = 200;

    [Fact]
    public virtual void The_largest_message_goes_through()
    {
        var messages = new[] { MessageOf(Maximum), MessageOf(Maximum) };
        var whole = new FrameFeed(Create(Maximum));
        var dribbled = new FrameFeed(Create(Maximum));
        var stream = Stream(messages, Create(Maximum));

        whole.Feed(stream);
        foreach (var b in stream)
        {
            dribbled.Feed([b]);
        }

        ShouldBe(whole, messages);
        ShouldBe(dribbled, messages);
    }

    [Fact, Trait("Fault", "F07")]
    public virtual void One_byte_more_than_the_maximum_is_refused_in_one_piece_and_in_bytes()
    {
        var good = MessageOf(Maximum);
        var stream = Stream([good, MessageOf(Maximum + 1)]);
        var whole = new FrameFeed(Create(Maximum));
        var dribbled = new FrameFeed(Create(Maximum));

        whole.Invoking(feed => feed.Feed(stream)).Should().Throw<FrameTooLargeException>().Which.Maximum.Should().Be(Maximum);
        dribbled.Invoking(feed => stream.ToList().ForEach(b => feed.Feed([b]))).Should().Throw<FrameTooLargeException>();

        ShouldHold(whole, [good]);
        ShouldHold(dribbled, [good]);
    }

    [Fact, Trait("Fault", "F07")]
    public virtual void A_message_far_too_large_is_refused_before_it_has_come()
    {
        var stream = Stream([MessageOf(Math.Min(Longest, 50_000))]);
        var fed = 0;
        var feed = new FrameFeed(Create(20));

        feed.Invoking(feed =>
        {
            for (; fed < stream.Length; fed++)
            {
                feed.Feed([stream[fed]]);
            }
        }).Should().Throw<FrameTooLargeException>();

        fed.Should().BeLessThan(40);
    }

    [Fact]
    public void A_message_larger_than_the_maximum_cannot_be_written()
    {
        var output = new ArrayBufferWriter<byte>();

        Create(Maximum).Invoking(framer => framer.Write(MessageOf(Maximum + 1), output)).Should().Throw<FrameTooLargeException>();

        output.WrittenCount.Should().Be(0);
    }

    [Fact, Trait("Fault", "F09")]
    public void Bytes_one_at_a_time_cost_no_more_than_a_few_looks_at_each()
    {
        var framer = Create();
        var frame = Stream([MessageOf(Longest)]);
        if (!KeepsBoundaries)
        {
            framer.Read(frame, 0).Should().Be(Frame.Message(0, frame.Length));
            return;
        }

        // What lies before the note is overwritten now and then: a framer that looked there again would find what is not there.
        var alphabet = Alphabet;
        var poisoned = Enumerable.Range(0, frame.Length).Select(i => alphabet[i % alphabet.Length]).ToArray();
        long examined = 0, resume = 0, needed = 1;
        var result = default(Frame);
        for (var length = 1; length <= frame.Length; length++)
        {
            if (length < needed)
            {
                continue;
            }

            result = framer.Read(frame.AsSpan(0, length), resume);
            examined += length - resume;
            if (length % 1021 == 0 || length > frame.Length - 8)
            {
                frame.AsSpan((int)resume, length - (int)resume).CopyTo(poisoned.AsSpan((int)resume));
                framer.Read(poisoned.AsSpan(0, length), resume).Should().Be(result);
                for (var i = (int)resume; i < length; i++)
                {
                    poisoned[i] = alphabet[i % alphabet.Length];
                }
            }

            (resume, needed) = result.Kind == FrameKind.NeedTotal ? (0L, result.Value) : (result.Value, 1L);
        }

        result.Kind.Should().Be(FrameKind.Message);
        result.Consumed.Should().Be(frame.Length);
        examined.Should().BeLessThan((8L * frame.Length) + 100);
    }

    [Fact]
    public void Reading_and_writing_allocate_nothing()
    {
        var framer = Create();
        var message = MessageOf(Math.Clamp(32, Shortest, Longest));
        var input = Stream([message, message]);
        var output = new ArrayBufferWriter<byte>(4096);

        Allocations.Of(() =>
        {
            framer.Read(input, 0);
            framer.Read(input.AsSpan(0, 5), 0);
            output.ResetWrittenCount();
            framer.Write(message, output);
        }).Should().Be(0);
    }

    [Fact, Trait("Fault", "F14")]
    public void A_stack_of_64_KiB_is_enough_for_any_input()
    {
        var framer = Create();
        var message = MessageOf(Longest);
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                var output = new ArrayBufferWriter<byte>();
                framer.Write(message, output);
                framer.Read(output.WrittenSpan.ToArray(), 0).Consumed.Should().Be(output.WrittenCount);
                foreach (var b in Alphabet)
                {
                    // A million times the same byte: begin marks in begin marks, delimiters in a row.
                    var deep = new byte[1024 * 1024];
                    deep.AsSpan().Fill(b);
                    Outcome(() => framer.Read(deep, 0));
                }
            }
            catch (Exception e)
            {
                failure = e;
            }
        }, maxStackSize: 64 * 1024);

        thread.Start();
        thread.Join(TimeSpan.FromSeconds(30)).Should().BeTrue();

        failure.Should().BeNull();
    }
}
