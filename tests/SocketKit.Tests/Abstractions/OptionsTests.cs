using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Abstractions;

/// <summary>A violation names the option and says what to type.</summary>
public class OptionsTests
{
    public static TheoryData<string, string, Action<SocketServerOptions>> ServerViolations => new()
    {
        { "SocketServerOptions.Listeners", "type Listeners = { Listen.Tcp(9000) }", options => options.Listeners.Clear() },
        { "SocketServerOptions.Listeners", "[1] is null; type Listen.Tcp(9000)", options => options.Listeners.Add(null!) },
        { "SocketServerOptions.Framer", "type Framer = Framers.Lines()", options => options.Framer = null },
        { "SocketServerOptions.HandlerFactory", "type HandlerFactory = Handlers.OnText(", options => options.HandlerFactory = null },
        { "SocketServerOptions.Heartbeat", "type NoHeartbeat.Instance", options => options.Heartbeat = null! },
        { "SocketServerOptions.TextEncoding", "type Encoding.UTF8", options => options.TextEncoding = null! },
        { "SocketServerOptions.TimeProvider", "type TimeProvider.System", options => options.TimeProvider = null! },
        { "SocketServerOptions.MaxConnections", "0 is out of range; type a number from 1 to 2,147,483,647", options => options.MaxConnections = 0 },
        { "SocketServerOptions.MaxPendingRequests", "type a number from 1", options => options.MaxPendingRequests = 0 },
        { "SocketServerOptions.MaxFrameLength", "type a number from 1 to 1,073,741,824", options => options.MaxFrameLength = 0 },
        { "SocketServerOptions.MaxFrameLength", "type a number from 1 to 1,073,741,824", options => options.MaxFrameLength = int.MaxValue },
        { "SocketServerOptions.MaxQueuedBytes", "65535 is out of range; type a number from 65,536", options => options.MaxQueuedBytes = 65_535 },
        { "SocketServerOptions.RequestTimeout", "00:00:00 is out of range; type a time above zero", options => options.RequestTimeout = TimeSpan.Zero },
        { "SocketServerOptions.SlowConsumerTimeout", "type a time above zero", options => options.SlowConsumerTimeout = TimeSpan.FromSeconds(-1) },
        { "SocketServerOptions.OpenTimeout", "type a time above zero", options => options.OpenTimeout = TimeSpan.Zero },
        { "SocketServerOptions.HalfCloseTimeout", "above zero", options => options.HalfCloseTimeout = TimeSpan.Zero },
        { "SocketServerOptions.CloseTimeout", "below 24 days", options => options.CloseTimeout = TimeSpan.FromDays(25) },
        { "SocketServerOptions.HalfCloseTimeout", ", or Timeout.InfiniteTimeSpan", options => options.HalfCloseTimeout = TimeSpan.Zero },
        { "SocketServerOptions.RequestTimeout", ", or Timeout.InfiniteTimeSpan", options => options.RequestTimeout = TimeSpan.FromSeconds(-1) },
        { "SocketServerOptions.DrainTimeout", ", or TimeSpan.Zero", options => options.DrainTimeout = TimeSpan.FromSeconds(-1) },
        { "SocketServerOptions.DrainTimeout", "keep the stop for ever; type a time above zero", options => options.DrainTimeout = Timeout.InfiniteTimeSpan },
        { "SocketServerOptions.OpenTimeout", "Timeout.InfiniteTimeSpan is not allowed: a peer that never ends", options => options.OpenTimeout = Timeout.InfiniteTimeSpan },
        { "SocketServerOptions.CloseTimeout", "keep a closed connection for ever", options => options.CloseTimeout = Timeout.InfiniteTimeSpan },
        { "SocketServerOptions.SlowConsumerTimeout", "in memory for ever", options => options.SlowConsumerTimeout = Timeout.InfiniteTimeSpan },
    };

    /// <summary>
    /// Options that are right one by one: the framer, the longest frame and the encoding (null: the default), and what the refusal says
    /// (null: there is none).
    /// </summary>
    public static TheoryData<string, IFramer, int, string?, string?> Pairs => new()
    {
        { "fixed size", Framers.FixedSize(2000), 1000, null, "its shortest frame has 2000 bytes, but SocketServerOptions.MaxFrameLength is 1000, so that no message would ever be taken; type MaxFrameLength = 2000, or more" },
        { "fixed size that fits", Framers.FixedSize(2000), 2000, null, null },
        { "long header", Framers.LengthPrefixed(new LengthPrefixedOptions { FieldOffset = 100, BytesToStrip = 0 }), 103, null, "its shortest frame has 104 bytes" },
        { "long marks", Framers.Enclosed("<<<<", ">>>>"), 7, null, "its shortest frame has 8 bytes" },
        { "long delimiters", Framers.Delimited(new DelimitedOptions("12345", "abc")), 2, null, "its shortest frame has 3 bytes" },
        { "CR LF", Framers.Lines(LineEnding.CrLf), 1, null, "its shortest frame has 2 bytes" },

        { "lines in UTF-16", Framers.Lines(), 1000, "utf-16", "its line end \"\\u000a\" begins with the byte 0A in utf-16, the TextEncoding, and the same byte is inside of other characters, such as" },
        { "lines in UTF-32", Framers.Lines(), 1000, "utf-32", "its line end" },
        { "lines in EBCDIC", Framers.Lines(), 1000, "IBM037", "its line end \"\\u000a\" stands for the bytes 0A (hexadecimal), but for 25 in ibm037, the TextEncoding; type TextEncoding = Encoding.UTF8, or a framer" },
        { "lines in GB18030", Framers.Lines(), 1000, "gb18030", null },
        { "lines in Shift-JIS", Framers.Lines(), 1000, "shift_jis", null },
        { "lines in Latin-1", Framers.Lines(), 1000, "latin1", null },
        { "a bar in GBK", Framers.Delimited("|"), 1000, "gb2312", "its delimiter \"|\" begins with the byte 7C in gb2312, the TextEncoding, and the same byte is inside of other characters, such as" },
        { "a bar in GBK, as bytes", Framers.Delimited("|"u8), 1000, "gb2312", null },
        { "a tilde in Big5", Framers.Enclosed("~", "~"), 1000, "big5", "its begin mark \"~\" begins with the byte 7E in big5" },
        { "a letter in Shift-JIS", Framers.Delimited(new DelimitedOptions(";", "END")), 1000, "shift_jis", "its delimiter \"END\" begins with the byte 45 in shift_jis" },
        { "a digit in GB18030", Framers.Delimited("0"), 1000, "gb18030", "its delimiter \"0\" begins with the byte 30 in gb18030" },
        { "a digit in GBK", Framers.Delimited("0"), 1000, "gb2312", null },
        { "a semicolon in GBK", Framers.Delimited(";"), 1000, "gb2312", null },
        { "STX and ETX in GB18030", Framers.Enclosed("\x02", "\x03"), 1000, "gb18030", null },
        { "a semicolon in UTF-16", Framers.Delimited(";"), 1000, "utf-16", "its delimiter \";\" begins with the byte 3B in utf-16" },
        { "two zeros in UTF-16", Framers.Delimited("\0", Encoding.Unicode), 1000, "utf-16", "its delimiter \"\\u0000\" begins with the byte 00 in utf-16" },
        { "a stop in GBK", Framers.Delimited("。"), 1000, "gb2312", "its delimiter \"。\" begins with the byte A1 in gb2312" },
        { "a stop in ASCII", Framers.Delimited("。"), 1000, "us-ascii", "its delimiter \"。\" cannot be expressed in us-ascii, the TextEncoding" },
        { "a section in Latin-1", Framers.Delimited("§"), 1000, "latin1", "its delimiter \"§\" stands for the bytes C2A7 (hexadecimal), but for A7 in iso-8859-1, the TextEncoding; give the encoding to the framer, too" },
        { "a section in Latin-1, given", Framers.Delimited("§", Encoding.Latin1), 1000, "latin1", null },
        { "a section in Latin-1, given to marks", Framers.Enclosed("§", "$", Encoding.Latin1), 1000, "latin1", null },
        { "a section in Latin-1, not said", Framers.Delimited("§", Encoding.Latin1), 1000, null, "its delimiter \"§\" stands for the bytes A7 (hexadecimal), but for C2A7 in utf-8" },
        { "a length in UTF-16", Framers.LengthPrefixed(), 1000, "utf-16", null },
    };

    [Theory, Trait("Fault", "X29"), Trait("Fault", "X30")]
    [MemberData(nameof(Pairs))]
    public async Task What_cannot_go_together_is_refused_at_the_start(string what, IFramer framer, int maxFrameLength, string? encoding, string? advice)
    {
        var options = new SocketServerOptions { Listeners = { new InMemoryNetwork().Listen("server") }, Framer = framer, MaxFrameLength = maxFrameLength, HandlerFactory = Handlers.OnText((_, _) => default) };
        options.TextEncoding = encoding is null ? options.TextEncoding : Named(encoding);
        await using var server = new SocketServer(options);

        if (advice is null)
        {
            await server.StartAsync();
            return;
        }

        var thrown = (await server.Invoking(it => it.StartAsync()).Should().ThrowAsync<OptionsException>(what)).Which;
        thrown.Option.Should().Be("SocketServerOptions.Framer");
        thrown.Message.Should().StartWith("SocketServerOptions.Framer: " + advice);
    }

    public static TheoryData<string, IHeartbeatPolicy, string, string?> Beats => new()
    {
        { "ASCII", new BeaconHeartbeat("beat"), "gb18030", null },
        { "a beat in UTF-16", new BeaconHeartbeat("beat"), "utf-16", "BeaconHeartbeat sends \"beat\" in UTF-8, which is not how utf-16, the TextEncoding, says it; give bytes, such as new BeaconHeartbeat(encoding.GetBytes(\"...\"), ...)" },
        { "a beat in Chinese", BeaconHeartbeat.Expect("心跳"), "gb18030", "BeaconHeartbeat sends \"心跳\" in UTF-8, which is not how gb18030" },
        { "a pong in Chinese", new PingPongHeartbeat("ping", "在"), "gb18030", "PingPongHeartbeat sends \"在\" in UTF-8" },
        { "a pong in ASCII", new PingPongHeartbeat("ping", "在"), "us-ascii", "PingPongHeartbeat sends \"在\" in UTF-8" },
        { "bytes", new BeaconHeartbeat(Named("gb18030").GetBytes("心跳")), "gb18030", null },
        { "UTF-8", PingPongHeartbeat.AnswerOnly("在吗", "在"), "utf-8", null },
    };

    [Theory, Trait("Fault", "X30")]
    [MemberData(nameof(Beats))]
    public async Task A_heartbeat_in_other_bytes_than_the_encoding_is_refused_at_the_start(string what, IHeartbeatPolicy heartbeat, string encoding, string? advice)
    {
        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { new InMemoryNetwork().Listen("server") },
            Framer = Framers.LengthPrefixed(),
            HandlerFactory = Handlers.OnText((_, _) => default),
            Heartbeat = heartbeat,
            TextEncoding = Named(encoding),
        });

        if (advice is null)
        {
            await server.StartAsync();
            return;
        }

        var thrown = (await server.Invoking(it => it.StartAsync()).Should().ThrowAsync<OptionsException>(what)).Which;
        thrown.Message.Should().StartWith("SocketServerOptions.Heartbeat: " + advice);
    }

    public static TheoryData<IFramer, IHeartbeatPolicy, string?> Carried => new()
    {
        { Framers.Lines(), new BeaconHeartbeat("two\nlines"), "LinesFramer cannot carry a beat of BeaconHeartbeat, which would close each connection; type another payload. A message that goes out as one line" },
        { Framers.Lines(), BeaconHeartbeat.Expect("two\nlines"), null },
        { Framers.Enclosed("~", "~"), new BeaconHeartbeat(""), "EnclosedFramer cannot carry a beat of BeaconHeartbeat" },
        { Framers.FixedSize(4), new PingPongHeartbeat("ping", "p"), "FixedSizeFramer cannot carry a beat of PingPongHeartbeat" },
        { Framers.FixedSize(4), PingPongHeartbeat.AnswerOnly("p", "pong"), null },
        { Framers.FixedSize(4), new Numbered(), null },
        { Framers.LengthPrefixed(), new BeaconHeartbeat(""), null },
    };

    [Theory, Trait("Fault", "X29")]
    [MemberData(nameof(Carried))]
    public async Task A_heartbeat_that_the_framer_cannot_carry_is_refused_at_the_start(IFramer framer, IHeartbeatPolicy heartbeat, string? advice)
    {
        await using var server = new SocketServer(new SocketServerOptions { Listeners = { new InMemoryNetwork().Listen("server") }, Framer = framer, HandlerFactory = Handlers.OnText((_, _) => default), Heartbeat = heartbeat });

        if (advice is null)
        {
            await server.StartAsync();
            return;
        }

        (await server.Invoking(it => it.StartAsync()).Should().ThrowAsync<OptionsException>()).Which.Message.Should().StartWith("SocketServerOptions.Heartbeat: " + advice);
    }

    private sealed class Numbered() : BeaconHeartbeat("beat 1");

    [Fact, Trait("Fault", "X30")]
    public void A_delimiter_that_its_encoding_cannot_express_is_refused()
    {
        FluentActions.Invoking(() => Framers.Delimited("。", Encoding.ASCII)).Should().Throw<ArgumentException>().WithMessage("*cannot be expressed in us-ascii*");
        FluentActions.Invoking(() => Framers.Enclosed("a", "。", Encoding.ASCII)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => Framers.Delimited("\uD800")).Should().Throw<ArgumentException>();
    }

    private static Encoding Named(string name) => CodePagesEncodingProvider.Instance.GetEncoding(name) ?? Encoding.GetEncoding(name);

    public static TheoryData<string, string, Action<SocketClientOptions>> ClientViolations => new()
    {
        { "SocketClientOptions.Dialer", "type Dialer = Dial.Tcp(\"127.0.0.1\", 9000)", options => options.Dialer = null },
        { "SocketClientOptions.Framer", "type Framer = Framers.Lines()", options => options.Framer = null },
        { "SocketClientOptions.ConnectTimeout", "type a time above zero", options => options.ConnectTimeout = TimeSpan.Zero },
        { "SocketClientOptions.MaxQueuedBytes", "type a number from 65,536", options => options.MaxQueuedBytes = 1 },
    };

    [Theory]
    [MemberData(nameof(ServerViolations))]
    public async Task A_server_says_what_to_type(string option, string advice, Action<SocketServerOptions> violate)
    {
        var network = new InMemoryNetwork();
        var options = new SocketServerOptions { Listeners = { network.Listen("server") }, Framer = Framers.Lines(), HandlerFactory = Handlers.OnText((_, _) => default) };
        violate(options);
        var start = () => new SocketServer(options).StartAsync();

        var thrown = (await start.Should().ThrowAsync<OptionsException>()).Which;

        thrown.Option.Should().Be(option);
        thrown.Message.Should().StartWith(option + ": ").And.Contain(advice);
    }

    [Theory]
    [MemberData(nameof(ClientViolations))]
    public async Task A_client_says_what_to_type(string option, string advice, Action<SocketClientOptions> violate)
    {
        var options = new SocketClientOptions { Dialer = new InMemoryNetwork().Dial("server"), Framer = Framers.Lines() };
        violate(options);
        var connect = () => new SocketClient(options).ConnectAsync();

        var thrown = (await connect.Should().ThrowAsync<OptionsException>()).Which;

        thrown.Option.Should().Be(option);
        thrown.Message.Should().StartWith(option + ": ").And.Contain(advice);
    }

    [Fact]
    public void Without_options_there_is_neither_server_nor_client()
    {
        FluentActions.Invoking(() => new SocketServer(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => new SocketClient(null!)).Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void The_defaults_are_the_documented_ones()
    {
        var server = new SocketServerOptions();
        server.Heartbeat.Should().BeSameAs(NoHeartbeat.Instance);
        server.RequestTimeout.Should().Be(TimeSpan.FromSeconds(30));
        server.MaxPendingRequests.Should().Be(1024);
        server.MaxFrameLength.Should().Be(1024 * 1024);
        server.MaxQueuedBytes.Should().Be(4 * 1024 * 1024);
        server.SlowConsumerTimeout.Should().Be(TimeSpan.FromSeconds(10));
        server.OpenTimeout.Should().Be(TimeSpan.FromSeconds(10));
        server.CloseTimeout.Should().Be(TimeSpan.FromSeconds(1));
        server.HalfCloseTimeout.Should().Be(TimeSpan.FromSeconds(30));
        server.DrainTimeout.Should().Be(TimeSpan.FromSeconds(10));
        server.MaxConnections.Should().Be(10_000);
        server.TextEncoding.GetPreamble().Should().BeEmpty();
        server.TimeProvider.Should().BeSameAs(TimeProvider.System);
        new SocketClientOptions().ConnectTimeout.Should().Be(TimeSpan.FromSeconds(5));
        new SocketClientOptions().Reconnect.Should().BeNull();
    }

    [Theory]
    [InlineData("docs/errors.md")]
    [InlineData("docs/zh-CN/errors.md")]
    public void The_page_of_the_options_lists_each_under_the_class_that_has_it(string page)
    {
        var text = File.ReadAllText(Repository.PathOf(page));
        foreach (var type in new[] { typeof(ProtocolOptions), typeof(ConnectionOptions) })
        {
            var table = text[text.IndexOf($"`{type.Name}`", StringComparison.Ordinal)..].Split("\n\n")[1];
            table.Split('\n').Where(row => row.StartsWith("| `", StringComparison.Ordinal)).Select(row => row.Split('`')[1])
                .Should().BeEquivalentTo(type.GetProperties().Where(property => property.DeclaringType == type).Select(property => property.Name));
        }
    }
}
