using Microsoft.Extensions.Logging;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>The guards around framers: what hostile or broken ones do ends their own connection and nothing else.</summary>
public class FramerGuardTests
{
    public static TheoryData<string, CloseKind, string> Hostile => new()
    {
        { "throws", CloseKind.FramerFailed, "TestFramer threw IndexOutOfRangeException: oops" },
        { "framing exception", CloseKind.ProtocolError, "rubbish" },
        { "consumes more than there is", CloseKind.FramerFailed, "TestFramer threw FramerContractException: Read returned Message(0, 5, 1), which must take 1 to 5 bytes" },
        { "overflows", CloseKind.FramerFailed, "TestFramer threw FramerContractException: Read returned Message(2147483647, 2147483647, 2), which must take 1 to 5 bytes" },
        { "never advances", CloseKind.FramerFailed, "TestFramer threw FramerContractException: Read returned Message(0, 0, 0), which must take 1 to 5 bytes" },
        { "discards more than there is", CloseKind.FramerFailed, "TestFramer threw FramerContractException: Read returned Discard(6), which must take 1 to 5 bytes" },
        { "wants what it has", CloseKind.FramerFailed, "TestFramer threw FramerContractException: Read returned NeedTotal(5), which asks for no more than the 5 bytes it was given" },
        { "wants a negative total", CloseKind.FramerFailed, "TestFramer threw FramerContractException: Read returned NeedTotal(-1), which asks for no more than the 5 bytes it was given" },
        { "wants too much", CloseKind.FrameTooLarge, "A frame of 4294967295 bytes or more exceeds the maximum of 1048576 bytes" },
    };

    [Theory]
    [Trait("Fault", "F15")]
    [MemberData(nameof(Hostile))]
    public async Task A_hostile_framer_ends_its_own_connection_and_is_named(string deed, CloseKind kind, string detail)
    {
        var framer = new TestFramer
        {
            OnRead = (input, resume) => input[0] != '!' ? Framers.Lines().Read(input, resume) : deed switch
            {
                "throws" => throw new IndexOutOfRangeException("oops"),
                "framing exception" => throw new FramingException("rubbish"),
                "consumes more than there is" => Frame.Message(0, 5, 1),
                "overflows" => Frame.Message(int.MaxValue, int.MaxValue, 2),
                "never advances" => Frame.Message(0, 0),
                "discards more than there is" => Frame.Discard(6),
                "wants what it has" => Frame.NeedTotal(5),
                "wants a negative total" => Frame.NeedTotal(-1),
                _ => Frame.NeedTotal(uint.MaxValue),
            },
        };
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = framer);
        await using var other = await bed.ConnectRawAsync();
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("good\n");
        await peer.SendAsync("!bad\n");

        (await peer.ReceiveToEndAsync()).Should().Be("good\n");
        await peer.FinishAsync();
        var reason = await bed.Sessions.Last().ClosedCall;
        reason.Kind.Should().Be(kind);
        reason.Detail.Should().StartWith(detail);
        reason.By.Should().Be(kind == CloseKind.FramerFailed ? CloseParty.Local : CloseParty.Peer);
        bed.Logs.GetSnapshot().Count(line => line.Level == LogLevel.Error && line.Message.Contains("TestFramer")).Should().Be(kind == CloseKind.FramerFailed ? 1 : 0);

        await other.SendAsync("still here\n");
        (await other.ReceiveAsync()).Should().Be("still here\n");
    }

    [Fact]
    [Trait("Fault", "F15")]
    public async Task A_framer_that_only_ever_wants_more_is_stopped_at_the_maximum()
    {
        var framer = new TestFramer { OnRead = (_, _) => Frame.NeedMore() };
        await using var bed = await new TestBed().StartAsync(configure: options =>
        {
            options.Framer = framer;
            options.MaxFrameLength = 20_000;
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(new byte[19_999]);
        bed.Session.Connection.Closed.IsCompleted.Should().BeFalse();
        await peer.SendAsync(new byte[1]);
        await peer.FinishAsync();

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.FrameTooLarge);
    }

    [Fact]
    [Trait("Fault", "F07")]
    public async Task A_length_that_is_too_large_is_refused_before_memory_is_spent()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = Framers.LengthPrefixed(LengthField.FourBytes));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync([0x7F, 0xFF, 0xFF, 0xFF]);
        await peer.FinishAsync();

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.FrameTooLarge);
        bed.Listener.Wire.Receives.Max().Should().BeLessOrEqualTo(16 * 1024);
    }

    [Fact]
    public async Task The_cookie_comes_back_verbatim_and_starts_at_zero_for_each_frame()
    {
        var cookies = new List<long>();
        var framer = new TestFramer
        {
            OnRead = (input, resume) =>
            {
                cookies.Add(resume);
                return input.Length < 3 ? Frame.NeedMore(-7 * input.Length) : Frame.Message(0, 3);
            },
        };
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = framer);
        await using var peer = await bed.ConnectRawAsync();
        foreach (var piece in new[] { "a", "b", "cd", "e", "f" })
        {
            await peer.SendAsync(piece);
        }

        cookies.Should().Equal(0, -7, -14, 0, -7, -14);
        bed.Session.Messages.Should().Equal("abc", "def");
    }

    [Fact]
    public async Task After_NeedTotal_the_framer_is_not_called_before_that_many_bytes_are_there()
    {
        var framer = new TestFramer { OnRead = (input, _) => input.Length < 4 ? Frame.NeedTotal(4) : Frame.Message(0, 4) };
        await using var bed = await new TestBed().StartAsync((_, _) => default, options => options.Framer = framer);
        await using var peer = await bed.ConnectRawAsync();
        foreach (var piece in new[] { "a", "b", "c", "d" })
        {
            await peer.SendAsync(piece);
        }

        framer.Reads.Should().Be(2);
        bed.Session.Messages.Should().Equal("abcd");
    }

    [Fact]
    [Trait("Fault", "F04")]
    public async Task Zero_length_messages_are_delivered_and_cost_one_call_each()
    {
        var framer = new TestFramer();
        await using var bed = await new TestBed().StartAsync((_, _) => default, options => options.Framer = framer);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync(new string('\n', 1000));

        bed.Session.Messages.Should().HaveCount(1000).And.OnlyContain(message => message.Length == 0);
        framer.Reads.Should().Be(1000);
    }

    [Fact]
    [Trait("Fault", "F04")]
    public async Task Heartbeats_alone_do_not_spin()
    {
        var framer = new TestFramer();
        await using var bed = await new TestBed().StartAsync(configure: options =>
        {
            options.Framer = framer;
            options.Heartbeat = new BeaconHeartbeat("");
        });
        await using var peer = await bed.ConnectRawAsync();
        for (var i = 0; i < 50; i++)
        {
            await peer.SendAsync("\n");
        }

        framer.Reads.Should().Be(50);
        bed.Session.Messages.Should().BeEmpty();
    }

    [Fact]
    public async Task Discarded_bytes_are_skipped_logged_and_bounded()
    {
        var framer = new TestFramer { OnRead = (input, resume) => input[0] == '#' ? Frame.Discard(1) : Framers.Lines().Read(input, resume) };
        await using var bed = await new TestBed().StartAsync((_, _) => default, options => options.Framer = framer);
        await using var peer = await bed.ConnectRawAsync();
        for (var i = 0; i < 5; i++)
        {
            await peer.SendAsync(new string('#', 90) + "x\n");
        }

        bed.Session.Messages.Should().HaveCount(5);
        bed.Logs.GetSnapshot().Count(line => line.Message.Contains("discarding bytes")).Should().Be(5, "once per episode");
        await peer.SendAsync(new string('#', 65_536) + "x\n");
        bed.Session.Messages.Should().HaveCount(6);
        await peer.SendAsync(new string('#', 65_537));
        await peer.FinishAsync();
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.ProtocolError);
    }

    [Fact]
    public async Task Discarding_64_KiB_without_a_message_breaks_the_protocol()
    {
        var framer = new TestFramer { OnRead = (input, _) => Frame.Discard(input.Length) };
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = framer);
        await using var peer = await bed.ConnectRawAsync();
        for (var i = 0; i < 9; i++)
        {
            await peer.SendAsync(new byte[8 * 1024]);
        }

        await peer.FinishAsync();
        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.ProtocolError);
        reason.Detail.Should().Be("More than 65536 bytes in a row were discarded without a message");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_behind_a_barrier_is_parsed_before_its_handler_completed(bool asynchronously)
    {
        var gate = Gate();
        var reads = new List<char>();
        var framer = new TestFramer
        {
            OnRead = (input, resume) =>
            {
                reads.Add((char)input[0]);
                var frame = Framers.Lines().Read(input, resume);
                return input[0] == 'B' ? Frame.Message(0, 1, 1, barrier: true) : frame;
            },
        };
        await using var bed = await new TestBed().StartAsync(
            async (_, message) => await (asynchronously && message.Text() == "B" ? gate.Task : Task.CompletedTask), options => options.Framer = framer);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("a\nB\nc\n");
        reads.Should().Equal(asynchronously ? "aB" : "aBc");

        bed.Open(gate);

        reads.Should().Equal("aBc");
        bed.Session.Messages.Should().Equal("a", "B", "c");
    }

    [Fact]
    public async Task A_framer_that_cannot_describe_what_is_missing_still_gives_a_reason()
    {
        await using var bed = await new TestBed().StartAsync(configure: options => options.Framer = new Speechless());
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("abc");
        await peer.FinishAsync();

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.Truncated);
        reason.Detail.Should().Be("3 bytes of an unfinished frame");
    }

    private sealed class Speechless : IFramer
    {
        public Frame Read(Span<byte> input, long resume) => Frame.NeedMore();

        public void Write(ReadOnlySpan<byte> message, System.Buffers.IBufferWriter<byte> output)
        {
        }

        public string DescribeIncomplete(ReadOnlySpan<byte> input) => throw new NotSupportedException();
    }
}
