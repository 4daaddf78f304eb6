using System.Buffers;
using CsCheck;
using SocketKit.Framing;

namespace SocketKit.Tests.Framing;

/// <summary>
/// What every framer must hold, whatever it looks for. A framer's test class derives from it and says how its messages look.
/// </summary>
public abstract partial class FramerContract
{
    /// <summary>A framer with this maximum length.</summary>
    protected abstract IFramer Create(int maxLength = int.MaxValue);

    /// <summary>Bytes that mean something to the framer, and some that do not: hostile streams are made of them.</summary>
    protected abstract byte[] Alphabet { get; }

    /// <summary>Whole streams that are wrong, and what they get: the type of exception, or null and how many bytes are discarded.</summary>
    public abstract IEnumerable<(string Stream, Type? Exception, int Discarded)> Garbage { get; }

    /// <summary>The shortest message there is.</summary>
    protected virtual int Shortest => 0;

    /// <summary>A length that takes many reads to arrive.</summary>
    protected virtual int Longest => 1024 * 1024;

    /// <summary>Messages that look like the framing but are none of it.</summary>
    protected virtual IEnumerable<byte[]> TrickyMessages => [];

    /// <summary>False only where any piece is a message.</summary>
    protected virtual bool KeepsBoundaries => true;

    /// <summary>So many bytes of a frame are also what stands on an idle line.</summary>
    protected virtual int Idle => 0;

    /// <summary>A valid message of that length.</summary>
    protected virtual byte[] MessageOf(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)('a' + (i % 26)))];

    protected virtual IEnumerable<byte[]> Messages =>
        [.. new[] { 0, 1, 2, 3, 5, 17, 64 }.Where(length => length >= Shortest).Select(MessageOf), .. TrickyMessages, MessageOf(Math.Max(Shortest, 1))];

    [Fact, Trait("Fault", "F01")]
    public void All_messages_in_one_piece_come_out_one_by_one()
    {
        var feed = new FrameFeed(Create());

        feed.Feed(Stream(Messages));

        ShouldBe(feed, Messages);
    }

    [Fact, Trait("Fault", "F01")]
    public void A_cut_at_any_byte_changes_nothing()
    {
        var stream = Stream(Messages);
        for (var cut = 1; cut < stream.Length; cut++)
        {
            var feed = new FrameFeed(Create());

            feed.Feed(stream.AsSpan(0, cut));
            feed.Feed(stream.AsSpan(cut));

            ShouldBe(feed, Messages, $"it is cut after {cut} bytes");
        }
    }

    [Fact, Trait("Fault", "F01")]
    public void Bytes_one_at_a_time_change_nothing()
    {
        var feed = new FrameFeed(Create());

        foreach (var b in Stream(Messages))
        {
            feed.Feed([b]);
        }

        ShouldBe(feed, Messages);
    }

    [Fact, Trait("Fault", "F01")]
    public void Any_pieces_give_the_same_messages()
    {
        var stream = Stream(Messages);
        Gen.Int[1, 40].Array[1, 60].Sample(sizes =>
        {
            var feed = new FrameFeed(Create());
            Pieces(stream, sizes, feed);
            ShouldBe(feed, Messages);
        }, iter: 300);
    }

    [Fact, Trait("Fault", "F02")]
    public void A_tail_cut_off_at_any_length_is_no_message_and_is_described()
    {
        foreach (var message in Messages)
        {
            var frame = Stream([message]);
            for (var length = 1; length < frame.Length; length++)
            {
                var feed = new FrameFeed(Create());

                feed.Feed([.. Stream([message]), .. frame[..length]]);

                if (KeepsBoundaries)
                {
                    ShouldHold(feed, [message]);
                    feed.Waiting.Should().Be(length);
                    if (length == Idle)
                    {
                        feed.DescribeIncomplete().Should().BeNull();
                    }
                    else
                    {
                        feed.DescribeIncomplete().Should().MatchRegex(@"^\d+ (byte|of the)");
                    }
                }
                else
                {
                    ShouldBe(feed, [message, frame[..length]]);
                }
            }
        }
    }

    [Fact, Trait("Fault", "F04")]
    public void A_thousand_shortest_messages_take_a_thousand_reads()
    {
        if (!KeepsBoundaries)
        {
            Create().Invoking(framer => Stream([[]])).Should().NotThrow();
            Stream([[]]).Should().BeEmpty("an empty message has no bytes on a stream");
            return;
        }

        var messages = Enumerable.Repeat(MessageOf(Shortest), 1000);
        var feed = new FrameFeed(Create());

        feed.Feed(Stream(messages));

        ShouldBe(feed, messages);
        feed.Reads.Should().Be(1000);
    }

    [Fact]
    public void What_Write_takes_Read_gives_back_and_what_it_refuses_leaves_nothing()
    {
        var framer = Create();
        Gen.Select(Hostile(24), Hostile(24)).Sample((first, second) =>
        {
            var output = new ArrayBufferWriter<byte>();
            var accepted = new List<byte[]>();
            foreach (var message in new[] { first, second, MessageOf(Math.Max(Shortest, 3)) })
            {
                var before = output.WrittenSpan.ToArray();
                try
                {
                    framer.Write(message, output);
                    accepted.Add(message);
                }
                catch (FramingException)
                {
                    output.WrittenSpan.ToArray().Should().Equal(before);
                }
            }

            var feed = new FrameFeed(framer);
            feed.Feed(output.WrittenSpan);
            ShouldBe(feed, accepted);
        }, iter: 1000);
    }

    [Fact, Trait("Fault", "F01")]
    public void Hostile_bytes_give_the_same_however_they_are_cut()
    {
        Gen.Select(Hostile(60), Gen.Int[1, 7].Array[1, 30]).Sample((stream, sizes) =>
        {
            var framer = KeepsBoundaries ? Create(12) : Create();
            var whole = new FrameFeed(framer);
            var cut = new FrameFeed(framer);

            var expected = Outcome(() => whole.Feed(stream));
            var actual = Outcome(() => Pieces(stream, sizes, cut));

            actual.Should().Be(expected);
            cut.Discarded.Should().Be(whole.Discarded);
            Text(cut.Messages).Should().Be(Text(whole.Messages));
            whole.Reads.Should().BeLessThanOrEqualTo(stream.Length + 1, "each read takes at least a byte, or waits");
        }, iter: 1000);
    }

    [Fact, Trait("Fault", "F03")]
    public void Garbage_gets_what_the_documentation_says()
    {
        foreach (var (stream, exception, discarded) in Garbage)
        {
            var feed = new FrameFeed(Create());
            var whole = Outcome(() => feed.Feed(Latin1(stream)));

            whole.Should().Be(exception, $"of {stream}");
            feed.Discarded.Should().Be(discarded, $"of {stream}");
        }
    }

    [Fact]
    public void One_instance_serves_many_threads()
    {
        var framer = Create();
        var stream = Stream(Messages);
        var failures = 0;

        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            var feed = new FrameFeed(framer);
            Pieces(Stream(Messages, framer), [1 + i, 3], feed);
            if (Text(feed.Messages) != Text(Messages))
            {
                Interlocked.Increment(ref failures);
            }
        });

        failures.Should().Be(0);
        stream.Should().Equal(Stream(Messages, framer));
    }

    [Fact]
    public void FramerCheck_agrees()
    {
        var check = () => FramerCheck.RoundTrip(Create(), Messages);

        if (KeepsBoundaries)
        {
            check.Should().NotThrow();
        }
        else
        {
            check.Should().Throw<FramerCheckException>();
        }
    }

    protected byte[] Stream(IEnumerable<byte[]> messages, IFramer? framer = null)
    {
        framer ??= Create();
        var output = new ArrayBufferWriter<byte>();
        foreach (var message in messages)
        {
            framer.Write(message, output);
        }

        return output.WrittenSpan.ToArray();
    }

    protected static byte[] Latin1(string text) => System.Text.Encoding.Latin1.GetBytes(text);

    private Gen<byte[]> Hostile(int length) => Gen.OneOfConst(Alphabet).Array[0, length];

    private static void Pieces(byte[] stream, int[] sizes, FrameFeed feed)
    {
        for (int at = 0, i = 0; at < stream.Length; i++)
        {
            var size = Math.Min(sizes[i % sizes.Length], stream.Length - at);
            feed.Feed(stream.AsSpan(at, size));
            at += size;
        }
    }

    /// <returns>The type of what the framer threw for these bytes, or null.</returns>
    private static Type? Outcome(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (FramingException e)
        {
            return e.GetType();
        }
    }

    private void ShouldBe(FrameFeed feed, IEnumerable<byte[]> messages, string because = "")
    {
        ShouldHold(feed, messages, because);
        feed.Waiting.Should().Be(0, because);
        feed.Discarded.Should().Be(0, because);
    }

    private void ShouldHold(FrameFeed feed, IEnumerable<byte[]> messages, string because = "")
    {
        Text(feed.Messages).Should().Be(Text(messages), because);
    }

    /// <summary>Messages in hexadecimal, each in brackets where boundaries count.</summary>
    private string Text(IEnumerable<byte[]> messages) =>
        string.Concat(messages.Select(message => KeepsBoundaries ? $"[{Convert.ToHexString(message)}]" : Convert.ToHexString(message)));
}
