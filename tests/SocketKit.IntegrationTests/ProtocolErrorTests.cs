using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>Peers that speak something else.</summary>
public class ProtocolErrorTests(ITestOutputHelper output)
{
    private static readonly byte[] ClientHello =
    [
        0x16, 0x03, 0x01, 0x00, 0x2f, 0x01, 0x00, 0x00, 0x2b, 0x03, 0x03, .. Enumerable.Repeat((byte)0x5a, 32), 0x00, 0x00, 0x04, 0x13, 0x01, 0x13, 0x02, 0x01, 0x00,
    ];

    public static TheoryData<string, byte[]> ForeignBytes => new()
    {
        { "HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray() },
        { "TLS ClientHello", ClientHello },
        { "SSH", "SSH-2.0-OpenSSH_9.6\r\n"u8.ToArray() },
        { "garbage", [0xde, 0xad, 0xbe, 0xef, 0x00, 0xff, 0x7f, 0x80] },
        { "all ones", [.. Enumerable.Repeat((byte)0xff, 4096)] },
    };

    [Theory]
    [Trait("Fault", "F03")]
    [MemberData(nameof(ForeignBytes))]
    public async Task Bytes_of_another_protocol_close_the_connection_at_once_and_are_counted(string name, byte[] bytes)
    {
        using var closed = new Measurements("socketkit.protocol.errors");
        await using var server = await TestServer.StartAsync(configure: options => options.Framer = Framers.LengthPrefixed());
        using var bystander = await RawPeer.ConnectAsync(server.EndPoint);
        await server.OpenedAsync();
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        var session = await server.OpenedAsync();

        var watch = Stopwatch.StartNew();
        await peer.SendAsync(bytes);
        await peer.GoneAsync();
        output.WriteLine($"F03: {name}: end of stream after {watch.ElapsedMilliseconds} ms");
        peer.Dispose();
        var reason = await session.ClosedAsync();

        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        reason.Kind.Should().Be(CloseKind.FrameTooLarge);
        reason.By.Should().Be(CloseParty.Peer);
        closed.Sum(nameof(CloseKind.FrameTooLarge)).Should().Be(1);
        session.ClosedCalls.Should().Be(1);
        await bystander.SendAsync([0, 0, 0, 2, 111, 107]);
        (await bystander.ReceiveAsync(6)).Should().Equal(0, 0, 0, 2, 111, 107);
    }

    [Fact]
    [Trait("Fault", "F03")]
    public async Task A_peer_that_sends_garbage_and_does_not_close_its_end_is_gone_after_a_second()
    {
        await using var server = await TestServer.StartAsync(configure: options => options.Framer = Framers.LengthPrefixed());
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        var session = await server.OpenedAsync();

        var watch = Stopwatch.StartNew();
        await peer.SendAsync([.. Enumerable.Repeat((byte)0xff, 4096)]);
        var reason = await session.ClosedAsync();

        output.WriteLine($"F03: closed after {watch.ElapsedMilliseconds} ms, although the peer keeps its end open");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        reason.Kind.Should().Be(CloseKind.FrameTooLarge);
    }

    [Fact]
    [Trait("Fault", "F03")]
    public async Task A_stream_without_a_line_end_closes_the_connection()
    {
        await using var server = await TestServer.StartAsync(configure: options => options.Framer = Framers.Lines(maxLength: 1000));
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);

        await peer.SendAsync(Encoding.ASCII.GetBytes(new string('x', 2000)));

        await peer.GoneAsync();
        peer.Dispose();
        (await (await server.OpenedAsync()).ClosedAsync()).Kind.Should().Be(CloseKind.FrameTooLarge);
    }

    [Theory]
    [Trait("Fault", "F07")]
    [InlineData(LengthField.FourBytes, (1L << 20) + 1)]
    [InlineData(LengthField.FourBytes, int.MaxValue)]
    [InlineData(LengthField.FourBytes, uint.MaxValue)]
    [InlineData(LengthField.EightBytes, (1L << 20) + 1)]
    [InlineData(LengthField.EightBytes, int.MaxValue)]
    [InlineData(LengthField.EightBytes, uint.MaxValue)]
    [InlineData(LengthField.EightBytes, long.MaxValue)]
    [InlineData(LengthField.EightBytes, -1L)]
    public async Task A_length_beyond_the_limit_is_refused_when_it_is_read(LengthField field, long length)
    {
        await using var server = await TestServer.StartAsync(configure: options => options.Framer = Framers.LengthPrefixed(field));
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        var header = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(header, length);

        await peer.SendAsync(field == LengthField.FourBytes ? header[4..] : header);
        await peer.GoneAsync();
        peer.Dispose();

        var reason = await (await server.OpenedAsync()).ClosedAsync();
        reason.Kind.Should().BeOneOf(length < 0 ? [CloseKind.ProtocolError, CloseKind.FrameTooLarge] : [CloseKind.FrameTooLarge]);
        reason.By.Should().Be(CloseParty.Peer);
    }

    [Fact]
    [Trait("Fault", "F13")]
    public async Task A_peer_that_breaks_the_protocol_and_takes_nothing_is_gone_after_a_second()
    {
        await using var server = await TestServer.StartAsync(configure: options => options.MaxFrameLength = 1000);
        using var peer = await RawPeer.ConnectAsync(server.EndPoint, receiveBuffer: 4096);
        var session = await server.OpenedAsync();
        var news = new byte[900];
        news.AsSpan().Fill((byte)'n');
        while (session.Connection.TrySend(news))
        {
        }

        var watch = Stopwatch.StartNew();
        await peer.SendAsync(new byte[2000]);
        var reason = await session.ClosedAsync();

        output.WriteLine($"F13: closed after {watch.ElapsedMilliseconds} ms, with {reason.UnsentBytes} bytes that the peer did not take");
        reason.Kind.Should().Be(CloseKind.FrameTooLarge);
        reason.UnsentBytes.Should().BePositive();
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
    }

    [Fact]
    [Trait("Fault", "F07")]
    public async Task Announced_lengths_cost_no_memory()
    {
        const int count = 2000;
        await using var child = await ChildProcess.ServeAsync("framing=length", "max-frame=33554432");
        var peers = new List<RawPeer>();
        await ConnectAsync(20);
        await child.AskAsync("claims 20");
        var before = child.ResidentMemory;

        await ConnectAsync(count);
        var after = await child.AskAsync($"claims {count + 20}");

        var growth = child.ResidentMemory - before;
        output.WriteLine($"F07: {count} connections that announce 16 MiB each: {growth / 1024.0 / 1024:0.0} MiB more resident memory");
        after["connections"].Should().Be(count + 20);
        growth.Should().BeLessThan(64 * 1024 * 1024);
        foreach (var peer in peers)
        {
            peer.Reset();
        }

        async Task ConnectAsync(int number)
        {
            for (var i = 0; i < number; i++)
            {
                var peer = await RawPeer.ConnectAsync(child.EndPoint);
                await peer.SendAsync([1, 0, 0, 0]);
                peers.Add(peer);
            }
        }
    }
}
