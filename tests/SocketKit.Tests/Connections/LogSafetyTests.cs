using Microsoft.Extensions.Logging;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>What a peer can put into log lines through names and texts.</summary>
public class LogSafetyTests
{
    public static TheoryData<string, string> Names => new()
    {
        { "plain 名字", "plain 名字" },
        { "two\r\nlines: INFO forged", "two\\u000d\\u000alines: INFO forged" },
        { "\u001b[31mred\u001b[0m", "\\u001b[31mred\\u001b[0m" },
        { "{0} {Reason} %s", "{0} {Reason} %s" },
        { "right\u202eleft", "right\\u202eleft" },
        { "line\u2028separator\u0085", "line\\u2028separator\\u0085" },
        { "nul\0bell\a", "nul\\u0000bell\\u0007" },
        { new string('x', 256), new string('x', 200) + "... (256 characters)" },
    };

    [Theory]
    [Trait("Fault", "S02")]
    [MemberData(nameof(Names))]
    public async Task Names_are_escaped_and_cut_in_every_line(string name, string shown)
    {
        await using var bed = await new TestBed().StartAsync((connection, message) =>
        {
            connection.SetNameAsync(message.Text()).Now();
            throw new InvalidOperationException("so that it is logged");
        }, options => options.Framer = Framers.LengthPrefixed());
        await using var peer = await bed.ConnectRawAsync();
        var bytes = System.Text.Encoding.UTF8.GetBytes(name);
        await peer.SendAsync([0, 0, (byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes]);
        await peer.FinishAsync();
        await bed.Session.ClosedCall;

        var lines = bed.Logs.GetSnapshot().Select(line => line.Message).ToArray();
        lines.Should().Contain(line => line.Contains($"{shown} (memory://server#1)"));
        lines.Should().OnlyContain(line => !line.Any(character => char.IsControl(character) || character == '\u202e' || character == '\u2028'));
        bed.Session.Connection.Name.Should().Be(name);
        bed.Session.Connection.ToString().Should().Be($"{shown} (memory://server#1)");
    }

    [Fact]
    [Trait("Fault", "S02")]
    public async Task A_name_of_1_MiB_is_refused_and_no_log_line_grows()
    {
        await using var bed = await new TestBed().StartAsync((connection, message) =>
        {
            connection.SetNameAsync(message.Text()).Now();
            return default;
        }, options => options.MaxFrameLength = 2 * 1024 * 1024);
        await using var peer = await bed.ConnectRawAsync();
        var sending = peer.SendAsync(new string('x', 1024 * 1024) + "\n");
        await sending;
        await peer.FinishAsync();

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.HandlerFailed);
        bed.Session.Connection.Name.Should().BeNull();
        bed.Logs.GetSnapshot().Should().OnlyContain(line => line.Message.Length < 1000);
    }

    [Fact]
    [Trait("Fault", "S02")]
    public async Task A_detail_taken_from_the_peer_is_escaped_and_cut()
    {
        await using var bed = await new TestBed().StartAsync((connection, message) => connection.CloseAsync("you said " + message.Text()));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("\u001b[2J" + new string('y', 5000) + "\n");
        await peer.FinishAsync();
        await bed.Session.ClosedCall;

        bed.Logs.GetSnapshot().Should().Contain(line => line.Message.Contains("you said \\u001b[2Jyyy"));
        bed.Logs.GetSnapshot().Should().OnlyContain(line => line.Message.Length < 1000 && !line.Message.Contains('\u001b'));
    }

    [Fact]
    public async Task A_logger_may_use_the_connection_from_another_thread()
    {
        var logger = new UsingLogger();
        await using var bed = await new TestBed().StartAsync((_, _) => default, options =>
        {
            options.LoggerFactory = logger;
            options.ReadCorrelationId = message => ResponseMatch.Id(message.Length);
        });
        await using var peer = await bed.ConnectRawAsync();
        logger.Connection = bed.Session.Connection;

        bed.Session.Connection.TrySend("not\na line").Should().BeFalse();
        await peer.SendAsync("a late response\n");

        logger.Returned.Should().Equal(true, true);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("abc", "abc")]
    [InlineData("a\tb", "a\\u0009b")]
    [InlineData("a\\u0009b", "a\\\\u0009b")]
    [InlineData("\\\t", "\\\\\\u0009")]
    [InlineData("\U0001f600 你好\n", "\U0001f600 你好\\u000a")]
    [InlineData("tag \U000e0041", "tag \\udb40\\udc41")]
    public void Text_is_made_fit(string text, string fit) => LogText.Escape(text).Should().Be(fit);

    [Fact]
    [Trait("Fault", "X59")]
    public void Of_text_that_is_made_of_escaped_parts_backslashes_stay()
    {
        LogText.EscapeRest("the peer said a\\u0009b\n").Should().Be("the peer said a\\u0009b\\u000a");
        var text = "C:\\data";
        LogText.EscapeRest(text).Should().BeSameAs(text);
    }

    [Fact]
    [Trait("Fault", "X59")]
    public async Task What_a_handler_throws_is_escaped_once()
    {
        await using var bed = await new TestBed().StartAsync((_, message) => throw new FormatException("bad\n" + message.Text()));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("\\u000a\n");
        await bed.Session.ClosedCall;

        bed.Logs.GetSnapshot().Should().Contain(line => line.Message.Contains("closed: ") && line.Message.Contains("FormatException: bad\\u000a\\\\u000a"));
    }

    [Fact]
    public void Half_a_surrogate_pair_is_escaped() => LogText.Escape("\ud800 half").Should().Be("\\ud800 half");

    [Fact]
    public void Fit_text_is_not_copied()
    {
        var text = new string('x', 200);
        LogText.Escape(text).Should().BeSameAs(text);
    }

    /// <summary>Uses the connection from another thread whenever something about a message is logged, and waits for that.</summary>
    private sealed class UsingLogger : ILoggerFactory, ILogger
    {
        public IConnection? Connection { get; set; }

        public List<bool> Returned { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id is 26 or 27)
            {
                var returned = false;
                var thread = new Thread(() =>
                {
                    // Looking at the token takes the connection's lock and nothing else.
                    _ = Connection!.ClosedToken;
                    returned = true;
                });
                thread.Start();
                Returned.Add(thread.Join(TimeSpan.FromSeconds(5)) && returned);
            }
        }

        public void Dispose()
        {
        }
    }
}
