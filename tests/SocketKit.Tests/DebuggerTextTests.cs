using System.Diagnostics;
using System.Reflection;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

/// <summary>What objects say of themselves in a debugger or a log.</summary>
public class DebuggerTextTests
{
    [Fact]
    public void Framers_heartbeats_and_policies_say_what_they_do()
    {
        Texts(
            new LinesFramer(LineEnding.CrLf, 80),
            new LinesFramer(),
            new FixedSizeFramer(1),
            new RawFramer(512),
            new EnclosedFramer([2], [3]),
            new DelimitedFramer(";;"u8),
            new LengthPrefixedFramer(new() { Field = LengthField.TwoBytes, FieldOffset = 3, ByteOrder = ByteOrder.LittleEndian }),
            new BeaconHeartbeat("beat"),
            PingPongHeartbeat.AnswerOnly("ping", "pong"),
            NoHeartbeat.Instance,
            new BackoffReconnect { MaxAttempts = 5 }).Should().Equal(
            "LinesFramer, CrLf, at most 80 bytes",
            "LinesFramer, Any",
            "FixedSizeFramer, 1 byte",
            "RawFramer, at most 512 bytes",
            "EnclosedFramer, 02 to 03",
            "DelimitedFramer, \";;\"",
            "LengthPrefixedFramer, TwoBytes, little-endian at 3",
            "BeaconHeartbeat \"beat\", every 10 s, dead after 30 s",
            "PingPongHeartbeat \"ping\" \"pong\", every never, dead after 30 s",
            "NoHeartbeat",
            "BackoffReconnect, 0.5 s to 30 s, 5 attempts");
    }

    [Fact]
    public async Task Servers_clients_and_connections_say_where_and_how_they_are()
    {
        var options = new SocketServerOptions();
        options.ToString().Should().Be("SocketServerOptions: no listener; no framer; NoHeartbeat");
        await using var bed = await new TestBed().StartAsync(configure: options => options.Name = "gate\nway");
        var client = new SocketClient(bed.ClientOptions());
        client.ToString().Should().Be("SocketClient to memory://server, Disconnected");
        await client.ConnectAsync();
        bed.Network.Settle();

        client.ToString().Should().Be("SocketClient to memory://server, Connected");
        bed.Server.ToString().Should().Be("SocketServer gate\\u000away, Listening on memory://server, 1 connection");
        Shown(bed.Server).Should().Be(bed.Server.ToString());
        var connection = bed.Session.Connection;
        connection.SetNameAsync("pump\u001b7").Now();
        Shown(connection).Should().Be($"#{connection.Id} pump\\u001b7 (memory://server#1), open");

        await client.DisposeAsync();
        await bed.Session.ClosedCall;
        Shown(connection).Should().EndWith("PeerClosed by Peer while Open");
        await bed.Server.StopAsync();
        bed.Server.ToString().Should().Contain("Stopped").And.Contain("0 connections");
    }

    [Fact]
    public void Text_of_a_peer_is_escaped_in_a_debugger()
    {
        var message = Message.Copy("a\nb"u8.ToArray());
        Shown(message).Should().Be("3 bytes: \"a\\u000ab\"");
        message.ToString().Should().Be("a\nb");
        message.Dispose();
        Shown(message).Should().Be("disposed");

        Shown(Reply.Text("a\u001bb")).Should().Be("\"a\\u001bb\"");
        Shown(Reply.Bytes(new byte[] { 1, 255 })).Should().Be("01FF");
        Shown(Reply.None).Should().Be("None");
        Shown(new UnixEndPoint("/tmp/a\nb")).Should().Be("/tmp/a\\u000ab");
        Shown(new TlsInfo(default, default, serverName: "a\nb")).Should().EndWith(", for a\\u000ab");
        Shown(new CloseReason(CloseKind.ProtocolError, ClosePhase.Open, CloseParty.Peer, "a\nb", null)).Should().EndWith(": a\\u000ab");
        Shown(Frame.NeedMore()).Should().Be("NeedMore(0)");
    }

    [Fact]
    public async Task Listeners_dialers_and_transports_say_their_addresses()
    {
        await using var tcp = Listen.Tcp("127.0.0.1", 9000);
        tcp.ToString().Should().Be("tcp://127.0.0.1:9000");
        Dial.Tcp("example.org", 9000).ToString().Should().Be("tcp://example.org:9000");
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        peer.Transport.ToString().Should().Be("InMemoryTransport from memory://server#1 to memory://server");
    }

    private static IEnumerable<string?> Texts(params object[] some) => some.Select(one => one.ToString());

    /// <summary>What a debugger shows.</summary>
    private static string Shown(object one)
    {
        var attribute = one.GetType().GetCustomAttribute<DebuggerDisplayAttribute>(inherit: true);
        attribute.Should().NotBeNull();
        var member = attribute!.Value[1..^1].Split(',')[0];
        const BindingFlags any = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
        return member == "ToString()" ? one.ToString()! : (string)one.GetType().GetProperty(member, any)!.GetValue(one)!;
    }
}
