using System.Buffers;
using CsCheck;
using SocketKit.Framing;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>
/// How the network cut the bytes changes neither what is delivered nor why a connection ends: whatever the bytes are, whichever framer
/// reads them.
/// </summary>
public class ArrivalTests
{
    private const int MaxFrame = 40;

    /// <summary>Framers, with the bytes that mean something to them.</summary>
    private static readonly Dictionary<string, (IFramer Framer, string Alphabet)> Framing = new()
    {
        ["lines"] = (Framers.Lines(), "\r\nab"),
        ["short lines"] = (Framers.Lines(LineEnding.CrLf, 12), "\r\nab"),
        ["LF lines"] = (Framers.Lines(LineEnding.Lf, 12), "\r\nab"),
        ["delimiter"] = (Framers.Delimited("=-="), "=-ab"),
        ["delimiters"] = (Framers.Delimited(new DelimitedOptions(";", "||") { MaxLength = 12, KeepDelimiter = true }), ";|ab"),
        ["marks"] = (Framers.Enclosed("<<|", ">>"), "<>|ab"),
        ["short marks"] = (Framers.Enclosed("[", "]", 12), "[]ab"),
        ["equal marks"] = (Framers.Enclosed("~", "~"), "~ab"),
        ["equal long marks"] = (Framers.Enclosed("##", "##", 12), "#ab"),
        ["length"] = (Framers.LengthPrefixed(LengthField.TwoBytes), "\0\x01\x05\x27\x28"),
        ["short length"] = (Framers.LengthPrefixed(LengthField.OneByte, maxLength: 12), "\0\x01\x05\x0C\x0D"),
        ["varint"] = (Framers.LengthPrefixed(LengthField.Varint), "\0\x01\x05\x80\xFF"),
        ["length in the message"] = (Framers.LengthPrefixed(new LengthPrefixedOptions { Field = LengthField.OneByte, FieldOffset = 2, BytesToStrip = 0, Adjustment = -3 }), "\0\x01\x03\x05\x20"),
        ["fixed size"] = (Framers.FixedSize(7), "ab"),
        ["discards by itself"] = (new TestFramer { OnRead = (input, resume) => input[0] == '#' ? Frame.Discard(1) : Framers.Lines().Read(input, resume) }, "#\nab"),
    };

    public static TheoryData<string> Names => [.. Framing.Keys];

    [Theory, MemberData(nameof(Names))]
    [Trait("Fault", "F01"), Trait("Fault", "X15")]
    public async Task Any_bytes_cut_in_any_way_give_the_same_messages_and_the_same_end(string name)
    {
        var (framer, alphabet) = Framing[name];
        await using var bed = await StartAsync(framer);

        await Gen.Select(Streams(framer, alphabet), Gen.Int[1, 9].Array[1, 20]).SampleAsync(async (stream, sizes) =>
        {
            var whole = await RunAsync(bed, [stream]);
            var pieces = await RunAsync(bed, Cut(stream, sizes));
            var bytes = await RunAsync(bed, Cut(stream, [1]));

            pieces.Should().Be(whole);
            bytes.Should().Be(whole);
            whole.Should().StartWith(Model(framer, stream, sizes), "the check for framers reads as a connection does");
        }, iter: 150, threads: 1);
    }

    [Theory]
    [InlineData(150, true)]
    [InlineData(65_536, true)]
    [InlineData(65_537, false)]
    [Trait("Fault", "X15")]
    public async Task The_same_noise_comes_to_the_same_end_in_one_piece_and_byte_by_byte(int count, bool isFine)
    {
        await using var bed = await StartAsync(Framers.Enclosed("[", "]"));
        byte[] stream = [.. Enumerable.Repeat((byte)'x', count), .. "[a]"u8];

        var whole = await RunAsync(bed, [stream]);
        var tail = Math.Max(0, count - 1000);
        var bytes = await RunAsync(bed, [stream[..tail], .. stream[tail..].Select(b => new[] { b })]);

        bytes.Should().Be(whole);
        whole.Should().Be(isFine ? "61,PeerClosed" : "ProtocolError: More than 65536 bytes in a row were discarded without a message");
    }

    [Theory]
    [InlineData("lines", "a\n0123456789012345678901234567890123456789\nb\n", "61,FrameTooLarge: A frame of 41 bytes or more exceeds the maximum of 40 bytes")]
    [InlineData("lines", "a\n012345678901234567890123456789012345678\nb\n", "61,303132333435363738393031323334353637383930313233343536373839303132333435363738,62,PeerClosed")]
    [InlineData("LF lines", "a\n0123456789abc\nb\n", "61,FrameTooLarge: A frame of 13 bytes or more exceeds the maximum of 12 bytes")]
    [InlineData("LF lines", "a\n01234567890123456789\rb\n", "61,FrameTooLarge: A frame of 13 bytes or more exceeds the maximum of 12 bytes")]
    [InlineData("lines", "a\n01234567890123456789012345678901234567890123456789\rb\n", "61,FrameTooLarge: A frame of 41 bytes or more exceeds the maximum of 40 bytes")]
    [InlineData("short marks", "[a][0123456789abcdef[b]", "61,FrameTooLarge: A frame of 13 bytes or more exceeds the maximum of 12 bytes")]
    [InlineData("equal marks", "~a~~0123456789012345678901234567890123456789~~b~", "61,FrameTooLarge: A frame of 41 bytes or more exceeds the maximum of 40 bytes")]
    [InlineData("length", "\0\x01" + "a\x01\0b", "61,FrameTooLarge: A frame of 258 bytes or more exceeds the maximum of 40 bytes")]
    [Trait("Fault", "X15")]
    public async Task A_frame_over_the_maximum_has_the_same_reason_however_it_comes(string name, string stream, string end)
    {
        var bytes = System.Text.Encoding.Latin1.GetBytes(stream);
        await using var bed = await StartAsync(Framing[name].Framer);

        (await RunAsync(bed, [bytes])).Should().Be(end);
        (await RunAsync(bed, Cut(bytes, [1]))).Should().Be(end);
        (await RunAsync(bed, Cut(bytes, [7, 2]))).Should().Be(end);
    }

    [Fact]
    [Trait("Fault", "X15")]
    public async Task Raw_pieces_may_be_larger_than_the_maximum_frame()
    {
        await using var bed = await StartAsync(Framers.Raw());

        (await RunAsync(bed, [new byte[100]])).Should().Be($"{Zeros(40)},{Zeros(40)},{Zeros(20)},PeerClosed");

        static string Zeros(int count) => new('0', 2 * count);
    }

    private static Task<TestBed> StartAsync(IFramer framer) => new TestBed(capacity: 256 * 1024).StartAsync((_, _) => default, options =>
    {
        options.Framer = framer;
        options.MaxFrameLength = MaxFrame;
    });

    /// <returns>The messages in hexadecimal, and why the connection ended.</returns>
    private static async Task<string> RunAsync(TestBed bed, IEnumerable<byte[]> pieces)
    {
        bed.Sessions.Clear();
        await using var peer = await bed.ConnectRawAsync();
        foreach (var piece in pieces)
        {
            await peer.SendAsync(piece);
        }

        await peer.FinishAsync();
        var session = bed.Session;
        var reason = await session.ClosedCall;
        return string.Concat(session.Messages.Select(message => Hex(System.Text.Encoding.UTF8.GetBytes(message)) + ",")) + reason.Kind + (reason.Detail is { } detail ? ": " + detail : "");
    }

    /// <summary>What <see cref="FrameFeed"/> makes of it: messages, and the end if the framer brings it about.</summary>
    private static string Model(IFramer framer, byte[] stream, int[] sizes)
    {
        var feed = new FrameFeed(framer, MaxFrame);
        var end = "";
        try
        {
            foreach (var piece in Cut(stream, sizes))
            {
                feed.Feed(piece);
            }
        }
        catch (FramingException exception)
        {
            end = $"{(exception is FrameTooLargeException ? CloseKind.FrameTooLarge : CloseKind.ProtocolError)}: {exception.Message}";
        }

        return string.Concat(feed.Messages.Select(message => Hex(System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(message))) + ",")) + end;
    }

    private static string Hex(byte[] bytes) => Convert.ToHexString(bytes);

    /// <summary>Good frames, damaged ones, ones that are too long, and noise.</summary>
    private static Gen<byte[]> Streams(IFramer framer, string alphabet)
    {
        var noise = Gen.OneOfConst(System.Text.Encoding.Latin1.GetBytes(alphabet)).Array[0, 12];
        var long_ = Gen.OneOfConst(System.Text.Encoding.Latin1.GetBytes(alphabet[^1..])).Array[30, 60];
        var good = Gen.Int[0, 14].Select(length => FrameOf(framer, length));
        var damaged = Gen.Select(good, Gen.Int[0, 20], Gen.OneOfConst(System.Text.Encoding.Latin1.GetBytes(alphabet)), (frame, at, b) =>
        {
            if (frame.Length > 0)
            {
                frame[at % frame.Length] = b;
            }

            return frame;
        });
        var cutOff = Gen.Select(good, Gen.Int[0, 20], (frame, at) => frame[..Math.Min(at, frame.Length)]);
        return Gen.Frequency((6, good), (2, damaged), (1, cutOff), (1, noise), (1, long_)).Array[1, 12].Select(pieces => pieces.SelectMany(piece => piece).ToArray());
    }

    private static byte[] FrameOf(IFramer framer, int length)
    {
        var output = new ArrayBufferWriter<byte>();
        byte[] message = [.. Enumerable.Repeat((byte)'c', length)];
        foreach (var candidate in (byte[][])[message, [.. message, (byte)';'], [0, 0, (byte)(length + 3), .. message], [.. Enumerable.Repeat((byte)'c', 7)]])
        {
            try
            {
                framer.Write(candidate, output);
                return output.WrittenSpan.ToArray();
            }
            catch (FramingException)
            {
                // Not a message of this framer: the next.
            }
        }

        return [];
    }

    private static IEnumerable<byte[]> Cut(byte[] stream, int[] sizes)
    {
        for (int at = 0, i = 0; at < stream.Length; i++)
        {
            var size = Math.Min(sizes[i % sizes.Length], stream.Length - at);
            yield return stream[at..(at + size)];
            at += size;
        }
    }
}
