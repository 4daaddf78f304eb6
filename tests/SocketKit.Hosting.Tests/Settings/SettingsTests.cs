using System.Net;
using System.Reflection;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SocketKit.Hosting.Settings;
using SocketKit.Hosting.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Settings;

/// <summary>What configuration says arrives in the options, over what the program says; what is wrong is told with its key.</summary>
public class SettingsTests
{
    [Fact]
    public void Every_key_of_a_server_arrives()
    {
        var options = Server("""
            {
              "SocketKit": { "Servers": { "all": {
                "Listen": [ "tcp://127.0.0.1:0", "tcp://[::1]:0" ],
                "MaxConnections": 7, "DrainTimeout": "5s", "MaxFrameLength": 2048, "MaxQueuedBytes": 65536, "MaxPendingRequests": 3,
                "RequestTimeout": "1s", "OpenTimeout": "00:00:02", "CloseTimeout": "3s", "SlowConsumerTimeout": "4s", "HalfCloseTimeout": "never", "TextEncoding": "gb18030",
                "Framing": { "Kind": "lengthprefixed", "Field": "TwoBytes", "ByteOrder": "LittleEndian", "FieldOffset": 1, "Adjustment": -3, "BytesToStrip": 0, "MaxLength": 100 },
                "Heartbeat": { "Kind": "PingPong", "Ping": "p", "Pong": "q", "Interval": "1s", "Timeout": "5s", "MaxBeatsPerSecond": 9 }
              } } }
            }
            """);

        options.Listeners.Select(listener => listener.EndPoint.ToString()).Should().Equal("127.0.0.1:0", "[::1]:0");
        (options.MaxConnections, options.MaxFrameLength, options.MaxQueuedBytes, options.MaxPendingRequests).Should().Be((7, 2048, 65536, 3));
        new[] { options.RequestTimeout, options.OpenTimeout, options.CloseTimeout, options.SlowConsumerTimeout, options.DrainTimeout }.Select(time => time.TotalSeconds).Should().Equal(1, 2, 3, 4, 5);
        options.HalfCloseTimeout.Should().Be(Timeout.InfiniteTimeSpan);
        options.TextEncoding.GetBytes("你").Should().Equal(0xC4, 0xE3);
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        options.Framer!.Write([9, 5, 0, 7, 7], output);
        output.WrittenSpan.ToArray().Should().Equal([9, 5, 0, 7, 7], "the message holds its header, whose length counts all");
        var heartbeat = options.Heartbeat.Should().BeOfType<PingPongHeartbeat>().Subject;
        (Encoding.UTF8.GetString(heartbeat.Ping.Span), heartbeat.Interval.TotalSeconds, heartbeat.Timeout.TotalSeconds, heartbeat.MaxBeatsPerSecond).Should().Be(("p", 1d, 5d, 9));
    }

    [Fact]
    public void Never_is_a_time_where_only_this_side_waits()
    {
        var options = Client("""
            { "SocketKit": { "Clients": { "all": {
                "Connect": "tcp://localhost:9000", "Framing": "Lines", "ConnectTimeout": "never", "RequestTimeout": "never", "HalfCloseTimeout": "never"
            } } } }
            """);

        options.ConnectTimeout.Should().Be(Timeout.InfiniteTimeSpan);
        options.RequestTimeout.Should().Be(Timeout.InfiniteTimeSpan);
        options.HalfCloseTimeout.Should().Be(Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public void Every_key_of_a_client_arrives()
    {
        var options = Client("""
            { "SocketKit": { "Clients": { "all": {
                "Connect": "tcp://localhost:9000", "ConnectTimeout": "7s", "Framing": "Lines", "Heartbeat": { "Kind": "Beacon", "Payload": "beat", "Interval": "never", "Timeout": "3s" },
                "Reconnect": { "First": "1s", "Cap": "2s", "MaxAttempts": 3 }
            } } } }
            """);

        options.Dialer!.ToString().Should().Contain("localhost:9000");
        options.ConnectTimeout.TotalSeconds.Should().Be(7);
        options.Framer.Should().BeOfType<LinesFramer>();
        options.Heartbeat.Should().BeOfType<BeaconHeartbeat>().Which.Timeout.TotalSeconds.Should().Be(3);
        var reconnect = options.Reconnect.Should().BeOfType<BackoffReconnect>().Subject;
        reconnect.MaxAttempts.Should().Be(3);
        var reason = new CloseReason { Kind = CloseKind.PeerClosed, Phase = ClosePhase.Open, By = CloseParty.Peer };
        reconnect.NextDelay(2, reason).Should().BeLessThanOrEqualTo(TimeSpan.FromSeconds(2));
        Client("""{ "SocketKit": { "Clients": { "all": { "Connect": "tcp://a:1", "Framing": "Raw" } } } }""").Reconnect.Should().BeOfType<BackoffReconnect>("a hosted client dials again by itself");
        Client("""{ "SocketKit": { "Clients": { "all": { "Connect": "tcp://a:1", "Framing": "Raw", "Reconnect": "None" } } } }""").Reconnect.Should().BeNull();
    }

    [Theory]
    [InlineData("""{ "Kind": "Lines", "LineEnding": "CrLf", "MaxLength": 5 }""", "abc", "6162630D0A")]
    [InlineData("""{ "Kind": "LengthPrefixed" }""", "abc", "00000003616263")]
    [InlineData("""{ "Kind": "Delimited", "Delimiters": [ "||", "\n" ] }""", "abc", "6162637C7C")]
    [InlineData("""{ "Kind": "Delimited", "Delimiters": "\\x00" }""", "abc", "61626300")]
    [InlineData("""{ "Kind": "Delimited", "Delimiters": ";", "KeepDelimiter": true }""", "abc;", "6162633B")]
    [InlineData("""{ "Kind": "FixedSize", "Size": 3 }""", "abc", "616263")]
    [InlineData("""{ "Kind": "Enclosed", "Begin": "\\x02", "End": "\\x03" }""", "abc", "0261626303")]
    [InlineData("\"Raw\"", "abc", "616263")]
    public void Each_framing_is_made_by_name(string framing, string message, string frame)
    {
        var options = Server($$"""{ "SocketKit": { "Servers": { "all": { "Listen": "tcp://127.0.0.1:0", "Framing": {{framing}} } } } }""");
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        options.Framer!.Write(Encoding.UTF8.GetBytes(message), output);
        Convert.ToHexString(output.WrittenSpan).Should().Be(frame);
    }

    [Theory]
    [InlineData("MaxConnections", "0", "SocketKit:Servers:all:MaxConnections: 0 is out of range; type a number from 1 to 2,147,483,647")]
    [InlineData("Listen", "tcp://127.0.0.1:0,tcp://127.0.0.1:0", "SocketKit:Servers:all:Listen: several addresses stand where there is one; make each an item of the list, or type ; between them in a single value")]
    [InlineData("MaxConnections", "many", "SocketKit:Servers:all:MaxConnections: many is no number; type digits alone, from 1 to 2,147,483,647")]
    [InlineData("MaxConnections", "1,000", "SocketKit:Servers:all:MaxConnections: 1,000 is no number; type digits alone, from 1 to 2,147,483,647")]
    [InlineData("MaxConnections", "", "SocketKit:Servers:all:MaxConnections: \"\" is no number; type digits alone, *")]
    [InlineData("MaxConnections", "99999999999999999999", "SocketKit:Servers:all:MaxConnections: 99999999999999999999 is out of range; type a number from 1 to 2,147,483,647")]
    [InlineData("MaxConnections:Soft", "5", "SocketKit:Servers:all:MaxConnections:Soft: there is no such setting; MaxConnections has one value")]
    [InlineData("MaxFrameLength", "1073741825", "SocketKit:Servers:all:MaxFrameLength: 1073741825 is out of range; type a number from 1 to 1,073,741,824")]
    [InlineData("MaxQueuedBytes", "5", "SocketKit:Servers:all:MaxQueuedBytes: 5 is out of range; type a number from 65,536 to 2,147,483,647")]
    [InlineData("DrainTimeout", "10", "SocketKit:Servers:all:DrainTimeout: 10 is no time; type a time from 1ms to 24d, or 0, such as 10s, 500ms or 00:01:30")]
    [InlineData("RequestTimeout", "25d", "SocketKit:Servers:all:RequestTimeout: 25d is out of range; type a time from 1ms to 24d, or never, such as 10s, 500ms or 00:01:30")]
    [InlineData("OpenTimeout", "never", "SocketKit:Servers:all:OpenTimeout: never is out of range: a peer that never ends its handshake would keep its place for ever; type *")]
    [InlineData("CloseTimeout", "never", "SocketKit:Servers:all:CloseTimeout: never is out of range: a peer that never finishes would keep a closed connection for ever; type *")]
    [InlineData("SlowConsumerTimeout", "never", "SocketKit:Servers:all:SlowConsumerTimeout: never is out of range: a peer that takes nothing *for ever; type *")]
    [InlineData("DrainTimeout", "never", "SocketKit:Servers:all:DrainTimeout: never is out of range: a connection that never finishes would keep the stop for ever; type *")]
    [InlineData("DrainTimeout", "", "SocketKit:Servers:all:DrainTimeout: \"\" is no time; type a time from 1ms to 24d, or 0, *")]
    [InlineData("Framing:KeepDelimiter", "yes", "SocketKit:Servers:all:Framing:KeepDelimiter: there is no yes; type one of true, false")]
    [InlineData("Framing:Adjustment", "-3000000000", "SocketKit:Servers:all:Framing:Adjustment: -3000000000 is out of range; type a number from -2,147,483,648 to 2,147,483,647")]
    [InlineData("TextEncoding", "klingon", "SocketKit:Servers:all:TextEncoding: there is no encoding klingon; *")]
    [InlineData("Framing:Kind", "Lies", "SocketKit:Servers:all:Framing:Kind: there is no Lies; type one of Lines, LengthPrefixed, Delimited, FixedSize, Enclosed, Raw")]
    [InlineData("Framing:Kind", "", "SocketKit:Servers:all:Framing:Kind: there is no \"\"; type one of Lines, *")]
    [InlineData("Framing:MaxLength", "0", "SocketKit:Servers:all:Framing:MaxLength: 0 is out of range; type a number from 1 to 2,147,483,647")]
    [InlineData("Framing:Size", "3", "SocketKit:Servers:all:Framing:Size: says nothing with Lines; it belongs to FixedSize")]
    [InlineData("Framing", "FixedSize", "*:Framing:Kind*", false)]
    [InlineData("Heartbeat", "Beacon", "SocketKit:Servers:all:Heartbeat:Payload: is not set; *")]
    [InlineData("Heartbeat:Interval", "1s", "SocketKit:Servers:all:Heartbeat:Kind: is not set, although Interval is; type one of None, Beacon, PingPong")]
    [InlineData("Heartbeat:Interval", "1ms", "SocketKit:Servers:all:Heartbeat:Interval: 1ms is out of range; type a time from 100ms to 1d, or never, such as *")]
    [InlineData("Listen", "9000", "SocketKit:Servers:all:Listen: \"9000\" is no address*tcp://127.0.0.1:9000*")]
    [InlineData("MaxConnectons", "5", "SocketKit:Servers:all:MaxConnectons: there is no such setting; there are Listen, MaxConnections, *")]
    [InlineData("Framing:Maxlen", "5", "SocketKit:Servers:all:Framing:Maxlen: there is no such setting; there are Kind, *")]
    public void What_is_wrong_is_told_with_its_key_and_what_to_type(string key, string value, string message, bool fails = true)
    {
        var values = new Dictionary<string, string?> { ["SocketKit:Servers:all:Listen"] = "tcp://127.0.0.1:0", ["SocketKit:Servers:all:Framing:Kind"] = "Lines", [$"SocketKit:Servers:all:{key}"] = value };
        var make = () => Server(new ConfigurationBuilder().AddInMemoryCollection(values).Build());
        if (!fails)
        {
            make().Framer.Should().BeOfType<LinesFramer>("the longer key says it more exactly");
            return;
        }

        make.Should().Throw<OptionsValidationException>().WithMessage(message).Which.OptionsName.Should().Be("all");
    }

    [Fact]
    [Trait("Fault", "X29")]
    public void A_certificate_that_cannot_be_loaded_is_told_with_its_key()
    {
        var listen = () => Server("""{ "SocketKit": { "Servers": { "all": { "Listen": [ "tcp://127.0.0.1:0", "tls://127.0.0.1:0?cert=/nowhere/full.pem" ], "Framing": "Lines" } } } }""");
        listen.Should().Throw<OptionsValidationException>().Which.Failures.Should().ContainSingle().Which.Should().Match("SocketKit:Servers:all:Listen: Cannot load the certificate /nowhere/full.pem: *");

        var connect = () => Client("""{ "SocketKit": { "Clients": { "all": { "Connect": "tls://localhost:1?ca=/nowhere/ca.pem", "Framing": "Lines" } } } }""");
        connect.Should().Throw<OptionsValidationException>().Which.Failures.Should().ContainSingle().Which.Should().Match("SocketKit:Clients:all:Connect: /nowhere/ca.pem cannot be loaded: *");
    }

    [Theory]
    [Trait("Fault", "X30")]
    [InlineData("latin1", """{ "Kind": "Delimited", "Delimiters": "§" }""", "A7")]
    [InlineData("utf-8", """{ "Kind": "Delimited", "Delimiters": "§" }""", "C2A7")]
    [InlineData("gb18030", """{ "Kind": "Delimited", "Delimiters": [ "\\x7C", ";" ] }""", "7C")]
    [InlineData("gb18030", """{ "Kind": "Delimited", "Delimiters": [ "心\\x7C", ";" ] }""", "D0C47C")]
    [InlineData("utf-16", """{ "Kind": "Delimited", "Delimiters": "\r\n" }""", "0D000A00")]
    [InlineData("gb18030", """{ "Kind": "Enclosed", "Begin": "你", "End": "好" }""", "C4E3BAC3")]
    [InlineData("gb18030", """{ "Kind": "Enclosed", "Begin": "你", "End": "\\x03" }""", "C4E303")]
    public void Texts_are_in_the_encoding_and_bytes_are_bytes(string encoding, string framing, string frame)
    {
        var options = Server($$"""{ "SocketKit": { "Servers": { "all": { "Listen": "tcp://127.0.0.1:0", "TextEncoding": "{{encoding}}", "Framing": {{framing}}, "Heartbeat": { "Kind": "PingPong", "Ping": "a\\x01", "Pong": "ok" } } } } }""");
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        options.Framer!.Write([], output);
        Convert.ToHexString(output.WrittenSpan).Should().Be(frame);
        var heartbeat = (PingPongHeartbeat)options.Heartbeat;
        heartbeat.Pong.ToArray().Should().Equal(options.TextEncoding.GetBytes("ok"));
        heartbeat.Ping.ToArray().Should().Equal([.. options.TextEncoding.GetBytes("a"), 1]);
    }

    [Theory]
    [Trait("Fault", "X30")]
    [InlineData("Framing", """{ "Kind": "Delimited", "Delimiters": "心" }""")]
    [InlineData("Framing", """{ "Kind": "Enclosed", "Begin": "[", "End": "心" }""")]
    [InlineData("Heartbeat", """{ "Kind": "Beacon", "Payload": "心" }""")]
    public void A_text_that_the_encoding_cannot_express_is_told_with_its_key(string key, string value)
    {
        var make = () => Server($$"""{ "SocketKit": { "Servers": { "all": { "Listen": "tcp://127.0.0.1:0", "TextEncoding": "us-ascii", "{{key}}": {{value}} } } } }""");
        make.Should().Throw<OptionsValidationException>().WithMessage($"SocketKit:Servers:all:{key}: \"心\" cannot be expressed in us-ascii*");
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once()
    {
        var make = () => Server("""{ "SocketKit": { "Servers": { "all": { "MaxConnections": 0, "MaxQueuedBytes": "much", "Drain": "1s", "Framing": { "Kind": "Lines", "LineEnding": "Cr", "KeepDelimiter": "no" } } } } }""");
        make.Should().Throw<OptionsValidationException>().Which.Failures.Should().HaveCount(5).And.Contain(failure => failure.StartsWith("SocketKit:Servers:all:Framing:LineEnding: there is no Cr;", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_missing_is_told_at_the_start_before_anything_listens()
    {
        await using var host = new HostBed();
        host.Services.AddSocketServer("empty");
        host.Services.AddSocketClient("vain");
        var failures = (await host.Invoking(empty => empty.StartAsync()).Should().ThrowAsync<AggregateException>()).Which.InnerExceptions.Cast<OptionsValidationException>().SelectMany(exception => exception.Failures).ToArray();
        failures.Should().HaveCount(5)
            .And.Contain(failure => failure.StartsWith("SocketKit:Servers:empty:Listen: no address to listen on; type tcp://", StringComparison.Ordinal))
            .And.Contain(failure => failure.StartsWith("SocketKit:Servers:empty:Framing: is not set; type Lines", StringComparison.Ordinal))
            .And.Contain(failure => failure.StartsWith("The server empty has no handler;", StringComparison.Ordinal))
            .And.Contain(failure => failure.StartsWith("SocketKit:Clients:vain:Connect: no address to connect to;", StringComparison.Ordinal))
            .And.Contain(failure => failure.StartsWith("SocketKit:Clients:vain:Framing: is not set;", StringComparison.Ordinal));
    }

    [Fact]
    public void A_name_with_a_dot_is_told_as_it_is()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["SocketKit:Servers:v1.2:Framing:MaxLength"] = "0" }).Build();
        var failures = new List<string>();
        SettingsReader.ReadServer(configuration, "SocketKit:Servers:v1.2", failures).Should().BeNull();
        failures.Should().ContainSingle().Which.Should().StartWith("SocketKit:Servers:v1.2:Framing:MaxLength: 0 is out of range");
    }

    [Fact]
    public void Configuration_counts_more_than_the_program_and_post_configuration_more_than_both()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["SocketKit:Servers:all:MaxConnections"] = "2", ["SocketKit:Servers:all:Listen:0"] = "tcp://127.0.0.1:1" }).Build());
        services.AddSocketServer("all", options =>
        {
            options.Listeners.Add(Listen.Tcp(9000));
            options.Framer = Framers.Lines();
            options.MaxConnections = 1;
            options.MaxPendingRequests = 1;
            options.MaxQueuedBytes = 70_000;
        }).UseReplies(new GuessThanksSorryOkReplies());
        services.Configure<SocketServerOptions>("all", options => options.MaxPendingRequests = 2);
        services.PostConfigure<SocketServerOptions>("all", options => options.MaxQueuedBytes = 80_000);
        using var provider = services.BuildServiceProvider();
        var set = provider.GetRequiredService<IOptionsMonitor<SocketServerOptions>>().Get("all");
        (set.MaxConnections, set.MaxPendingRequests, set.MaxQueuedBytes).Should().Be((2, 2, 80_000));
        set.Listeners.Should().ContainSingle("configured addresses replace the program's").Which.EndPoint.Should().Be(new IPEndPoint(IPAddress.Loopback, 1));
    }

    [Fact]
    public void The_environment_overrides_a_file_and_one_value_replaces_a_list()
    {
        const string file = """{ "SocketKit": { "Servers": { "all": { "Listen": [ "tcp://127.0.0.1:1", "tcp://127.0.0.1:2" ], "Framing": "Lines", "MaxConnections": 1 } } } }""";
        const string prefix = "SOCKETKIT_TEST_";
        var variables = new Dictionary<string, string> { ["SocketKit__Servers__all__MaxConnections"] = "5", ["SocketKit__Servers__all__Listen"] = "tcp://127.0.0.1:3; tcp://127.0.0.1:4" };
        foreach (var (name, value) in variables)
        {
            Environment.SetEnvironmentVariable(prefix + name, value);
        }

        try
        {
            var options = Server(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(file))).AddEnvironmentVariables(prefix).Build());
            options.MaxConnections.Should().Be(5);
            options.Listeners.Select(listener => ((IPEndPoint)listener.EndPoint).Port).Should().Equal(3, 4);
        }
        finally
        {
            foreach (var name in variables.Keys)
            {
                Environment.SetEnvironmentVariable(prefix + name, null);
            }
        }

        // The other way round: a list over one value, and a list over a list, which the host mixes by index.
        Ports("""{ "SocketKit": { "Servers": { "all": { "Listen": "tcp://127.0.0.1:1", "Framing": "Lines" } } } }""", ("Listen:0", "tcp://127.0.0.1:3")).Should().Equal(3);
        Ports(file, ("Listen:1", "tcp://127.0.0.1:3")).Should().Equal(1, 3);
    }

    [Fact]
    public void Settings_may_stand_elsewhere()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Gateway:Devices:Listen"] = "tcp://*:0", ["Gateway:Devices:Framing"] = "Lines" }).Build());
        services.AddSocketServer("all").BindConfiguration("Gateway:Devices").UseReplies(new GuessThanksSorryOkReplies());
        using var provider = services.BuildServiceProvider();
        provider.GetRequiredService<IOptionsMonitor<SocketServerOptions>>().Get("all").Listeners.Should().ContainSingle();
    }

    [Fact]
    public void The_known_keys_are_the_properties()
    {
        Properties<ServerSettings>().Should().BeEquivalentTo(ServerSettings.Keys);
        Properties<ClientSettings>().Should().BeEquivalentTo(ClientSettings.Keys);
        Properties<FramingSettings>().Should().BeEquivalentTo(FramingSettings.Keys);
        Properties<HeartbeatSettings>().Should().BeEquivalentTo(HeartbeatSettings.Keys);
        Properties<ReconnectSettings>().Should().BeEquivalentTo(ReconnectSettings.Keys);

        static IEnumerable<string> Properties<T>() => typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name);
    }

    private static IEnumerable<int> Ports(string json, (string Key, string Value) over) =>
        Server(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).AddInMemoryCollection(new Dictionary<string, string?> { ["SocketKit:Servers:all:" + over.Key] = over.Value }).Build())
            .Listeners.Select(listener => ((IPEndPoint)listener.EndPoint).Port);

    private static SocketServerOptions Server(string json) => Server(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build());

    private static SocketServerOptions Server(IConfiguration configuration)
    {
        var services = new ServiceCollection();
        services.AddSingleton(configuration);
        services.AddSocketServer("all").UseReplies(new GuessThanksSorryOkReplies());
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptionsMonitor<SocketServerOptions>>().Get("all");
    }

    private static SocketClientOptions Client(string json)
    {
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build());
        services.AddSocketClient("all");
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptionsMonitor<SocketClientOptions>>().Get("all");
    }
}
