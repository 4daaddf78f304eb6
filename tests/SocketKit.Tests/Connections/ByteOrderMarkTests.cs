using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>A byte order mark says how a stream of text is encoded; it is no part of the text.</summary>
public class ByteOrderMarkTests
{
    private static readonly byte[] Mark = [0xEF, 0xBB, 0xBF];

    [Theory, Trait("Fault", "X25")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    public async Task What_a_StreamWriter_writes_first_matches_its_rule(int piece)
    {
        await using var bed = await new TestBed().StartAsync(Handlers.Reply(new GuessThanksSorryOkReplies(random: new Random(1))));
        await using var peer = await bed.ConnectRawAsync();
        var written = new MemoryStream();
        await using (var writer = new StreamWriter(written, Encoding.UTF8) { NewLine = "\n" })
        {
            await writer.WriteLineAsync("1");
        }

        foreach (var bytes in written.ToArray().Chunk(piece))
        {
            await peer.SendAsync(bytes);
        }

        var reply = await peer.ReceiveAsync();
        await using var other = await bed.ConnectRawAsync();
        await other.SendAsync("1\n");
        reply.Should().Be(await other.ReceiveAsync()).And.NotBeEmpty();
    }

    [Fact, Trait("Fault", "X25")]
    public async Task The_mark_is_skipped_once_and_counts_as_discarded()
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync([.. Mark, .. "a\n"u8, .. Mark, .. "b\n"u8]);

        bed.Session.Messages.Should().Equal("a", "\uFEFFb");
        bed.Logs.GetSnapshot().Should().ContainSingle(line => line.Message.Contains("discarding bytes that belong to no message, 3 at first"));
    }

    [Theory, Trait("Fault", "X25")]
    [InlineData("EFBBBF", "PeerClosed")]
    [InlineData("EFBB", "Truncated: 2 bytes without a line end")]
    [InlineData("EFBB0A", "PeerClosed")]
    [InlineData("", "PeerClosed")]
    public async Task A_stream_that_ends_at_the_mark_ends_as_ever(string stream, string end)
    {
        await using var bed = await new TestBed().StartAsync((_, _) => default);
        foreach (var piece in new[] { 1, 3 })
        {
            bed.Sessions.Clear();
            await using var peer = await bed.ConnectRawAsync();
            foreach (var bytes in Convert.FromHexString(stream).Chunk(piece))
            {
                await peer.SendAsync(bytes);
            }

            await peer.FinishAsync();

            var reason = await bed.Session.ClosedCall;
            (reason.Kind + (reason.Detail is { } detail ? ": " + detail : "")).Should().Be(end);
        }
    }

    public static TheoryData<string, IFramer, string?, string, string> Framing => new()
    {
        { "a delimiter", Framers.Delimited(";"), null, "EFBBBF613B", "61" },
        { "a delimiter in bytes", Framers.Delimited(";"u8), null, "EFBBBF613B", "EFBBBF61" },
        { "marks", Framers.Enclosed("~", "~"), null, "EFBBBF7E617E", "61" },
        { "GB18030", Framers.Lines(), "gb18030", "84319533610A", "61" },
        { "the mark of another encoding", Framers.Lines(), null, "FFFE610A", "FFFE61" },
        { "an encoding without a mark", Framers.Lines(), "latin1", "EFBBBF610A", "EFBBBF61" },
        { "a length in front", Framers.LengthPrefixed(LengthField.OneByte), null, "04EFBBBF61", "EFBBBF61" },
        { "raw bytes", Framers.Raw(), null, "EFBBBF61", "EFBBBF61" },
    };

    [Theory, Trait("Fault", "X25")]
    [MemberData(nameof(Framing))]
    public async Task Only_framers_that_look_for_text_have_a_mark(string what, IFramer framer, string? encoding, string stream, string message)
    {
        var messages = new List<string>();
        await using var bed = await new TestBed().StartAsync(
            (_, bytes) =>
            {
                messages.Add(Convert.ToHexString(bytes.Span));
                return default;
            },
            options =>
            {
                options.Framer = framer;
                options.TextEncoding = encoding is null ? options.TextEncoding : CodePagesEncodingProvider.Instance.GetEncoding(encoding) ?? Encoding.GetEncoding(encoding);
            });
        await using var peer = await bed.ConnectRawAsync();

        await peer.SendAsync(Convert.FromHexString(stream));

        messages.Should().Equal([message], what);
    }
}
