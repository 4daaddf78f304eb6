using System.Buffers.Binary;
using System.Text;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests;

/// <summary>The shipped rules as a plain TCP client sees them.</summary>
public class ReplyRulesTests
{
    private const string Unknown = "不知道你在说什么!";

    private static readonly (string Request, string Reply)[] Fixed = [("1", "你猜!"), ("2", "谢谢!"), ("3", "对不起!"), ("4", "好的!")];

    private static readonly string[] AnythingElse = ["5", "hello", "你好,世界", "11", " 1", "1 ", "😀", "好的!"];

    /// <summary>Both ways of marking where a message ends.</summary>
    public static TheoryData<bool> Framings => new(false, true);

    [Theory]
    [MemberData(nameof(Framings))]
    public async Task All_rules_hold_for_bytes_that_come_one_at_a_time(bool lengthPrefixed)
    {
        await using var server = await StartAsync(lengthPrefixed ? Framers.LengthPrefixed() : Framers.Lines());
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        foreach (var request in Fixed.Select(rule => rule.Request).Concat(AnythingElse))
        {
            foreach (var one in Frame(request, lengthPrefixed))
            {
                await peer.SendAsync([one]);
            }

            Check(request, await ReceiveAsync(peer, lengthPrefixed));
        }
    }

    [Theory]
    [MemberData(nameof(Framings))]
    public async Task All_rules_hold_for_1000_requests_in_one_write(bool lengthPrefixed)
    {
        await using var server = await StartAsync(lengthPrefixed ? Framers.LengthPrefixed() : Framers.Lines());
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        var all = Fixed.Select(rule => rule.Request).Concat(AnythingElse).ToArray();
        var requests = Enumerable.Range(0, 1000).Select(i => all[i % all.Length]).ToArray();

        await peer.SendAsync([.. requests.SelectMany(request => Frame(request, lengthPrefixed))]);

        var echoes = 0;
        var unknown = 0;
        foreach (var request in requests)
        {
            var reply = await ReceiveAsync(peer, lengthPrefixed);
            Check(request, reply);
            echoes += AnythingElse.Contains(request) && reply == request ? 1 : 0;
            unknown += reply == Unknown ? 1 : 0;
        }

        // A fair coin is thrown for two thirds of them; less than 200 of one side would be 1 in 10^13.
        echoes.Should().BeGreaterThan(200);
        unknown.Should().BeGreaterThan(200);
    }

    [Fact]
    public async Task All_rules_hold_without_framing_where_what_arrives_together_is_one_message()
    {
        await using var server = await StartAsync(Framers.Raw());
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        foreach (var (request, reply) in Fixed)
        {
            await peer.SendAsync(request);
            await ExpectAsync(peer, reply);
        }

        for (var i = 0; i < 50; i++)
        {
            await peer.SendAsync("你");
            var first = await peer.ReceiveAsync(3);
            if (!"你"u8.SequenceEqual(first))
            {
                var rest = await peer.ReceiveAsync(Encoding.UTF8.GetByteCount(Unknown) - 3);
                Encoding.UTF8.GetString([.. first, .. rest]).Should().Be(Unknown);
            }
        }
    }

    [Fact]
    public async Task A_line_may_end_in_CR_LF()
    {
        await using var server = await StartAsync(Framers.Lines());
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);

        await peer.SendAsync("1\r\n2\n");

        (await peer.ReceiveLineAsync()).Should().Be("你猜!");
        (await peer.ReceiveLineAsync()).Should().Be("谢谢!");
    }

    private static Task<TestServer> StartAsync(IFramer framer) => TestServer.StartAsync(configure: options =>
    {
        options.Framer = framer;
        var handler = Handlers.Reply(new GuessThanksSorryOkReplies());
        options.HandlerFactory = handler;
    });

    private static byte[] Frame(string text, bool lengthPrefixed)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (!lengthPrefixed)
        {
            return [.. bytes, (byte)'\n'];
        }

        var header = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(header, bytes.Length);
        return [.. header, .. bytes];
    }

    private static async Task<string?> ReceiveAsync(RawPeer peer, bool lengthPrefixed) => lengthPrefixed
        ? Encoding.UTF8.GetString(await peer.ReceiveAsync(BinaryPrimitives.ReadInt32BigEndian(await peer.ReceiveAsync(4))))
        : await peer.ReceiveLineAsync();

    private static async Task ExpectAsync(RawPeer peer, string reply) =>
        Encoding.UTF8.GetString(await peer.ReceiveAsync(Encoding.UTF8.GetByteCount(reply))).Should().Be(reply);

    private static void Check(string request, string? reply)
    {
        var rule = Fixed.FirstOrDefault(rule => rule.Request == request);
        if (rule.Reply is null)
        {
            reply.Should().BeOneOf(request, Unknown);
        }
        else
        {
            reply.Should().Be(rule.Reply);
        }
    }
}
