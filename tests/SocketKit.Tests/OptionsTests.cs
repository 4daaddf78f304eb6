namespace SocketKit.Tests;

/// <summary>A violation names the option and says what to type.</summary>
public class OptionsTests
{
    public static TheoryData<string, string, Action<SocketServerOptions>> ServerViolations => new()
    {
        { "SocketServerOptions.Listeners", "type Listeners = { Listen.Tcp(9000) }", options => options.Listeners.Clear() },
        { "SocketServerOptions.Listeners", "[1] is null; type Listen.Tcp(9000)", options => options.Listeners.Add(null!) },
        { "SocketServerOptions.Framer", "type Framer = Framers.Lines()", options => options.Framer = null },
        { "SocketServerOptions.Handler", "type Handler = Handler.OnText(", options => options.Handler = null },
        { "SocketServerOptions.Heartbeat", "type NoHeartbeat.Instance", options => options.Heartbeat = null! },
        { "SocketServerOptions.TextEncoding", "type Encoding.UTF8", options => options.TextEncoding = null! },
        { "SocketServerOptions.TimeProvider", "type TimeProvider.System", options => options.TimeProvider = null! },
        { "SocketServerOptions.MaxConnections", "0 is out of range; type a number from 1 to 2,147,483,647", options => options.MaxConnections = 0 },
        { "SocketServerOptions.MaxPendingRequests", "type a number from 1", options => options.MaxPendingRequests = 0 },
        { "SocketServerOptions.MaxFrameLength", "type a number from 1 to 1,073,741,824", options => options.MaxFrameLength = 0 },
        { "SocketServerOptions.MaxFrameLength", "type a number from 1 to 1,073,741,824", options => options.MaxFrameLength = int.MaxValue },
        { "SocketServerOptions.SendLimit", "65535 is out of range; type a number from 65,536", options => options.SendLimit = 65_535 },
        { "SocketServerOptions.RequestTimeout", "00:00:00 is out of range; type a time above zero", options => options.RequestTimeout = TimeSpan.Zero },
        { "SocketServerOptions.SlowConsumerTimeout", "type a time above zero", options => options.SlowConsumerTimeout = TimeSpan.FromSeconds(-1) },
        { "SocketServerOptions.OpenTimeout", "type a time above zero", options => options.OpenTimeout = TimeSpan.Zero },
        { "SocketServerOptions.HalfCloseTimeout", "above zero", options => options.HalfCloseTimeout = TimeSpan.Zero },
        { "SocketServerOptions.CloseTimeout", "below 24 days", options => options.CloseTimeout = TimeSpan.FromDays(25) },
        { "SocketServerOptions.DrainTimeout", "type a time above zero", options => options.DrainTimeout = Timeout.InfiniteTimeSpan },
    };

    public static TheoryData<string, string, Action<SocketClientOptions>> ClientViolations => new()
    {
        { "SocketClientOptions.Dialer", "type Dialer = Dial.Tcp(\"127.0.0.1\", 9000)", options => options.Dialer = null },
        { "SocketClientOptions.Framer", "type Framer = Framers.Lines()", options => options.Framer = null },
        { "SocketClientOptions.ConnectTimeout", "type a time above zero", options => options.ConnectTimeout = TimeSpan.Zero },
        { "SocketClientOptions.SendLimit", "type a number from 65,536", options => options.SendLimit = 1 },
    };

    [Theory]
    [MemberData(nameof(ServerViolations))]
    public async Task A_server_says_what_to_type(string option, string advice, Action<SocketServerOptions> violate)
    {
        var network = new InMemoryNetwork();
        var options = new SocketServerOptions { Listeners = { network.Listen("server") }, Framer = Framers.Lines(), Handler = Handler.OnText((_, _) => default) };
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
        server.SendLimit.Should().Be(4 * 1024 * 1024);
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
}
