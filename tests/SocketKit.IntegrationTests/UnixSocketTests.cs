using Microsoft.Extensions.Logging;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.IntegrationTests;

/// <summary>What servers and clients show of Unix sockets alone.</summary>
public class UnixSocketTests
{
    public UnixSocketTests() => TestWire.UseUnix();

    [LinuxFact]
    public async Task A_handler_and_the_log_know_which_process_and_user_has_come()
    {
        await using var server = await TestServer.StartAsync((connection, _) =>
            connection.SendAsync(connection.RemoteEndPoint is UnixEndPoint { Credentials: { } peer } ? $"{peer.ProcessId} {peer.UserId}" : "nobody"));
        using var peer = await RawPeer.ConnectAsync(server.EndPoint);
        await peer.SendAsync("who am I?\n");

        var answer = (await peer.ReceiveLineAsync())!.Split(' ');

        answer[0].Should().Be($"{Environment.ProcessId}");
        peer.Dispose();
        await (await server.OpenedAsync()).ClosedAsync();
        await Eventually.TrueAsync(() => server.LogFrom(LogLevel.Debug).Any(line => line.Contains($"to process {Environment.ProcessId} of user {answer[1]} closed")));
    }

    [LinuxFact]
    [Trait("Fault", "S02")]
    public async Task A_name_that_a_peer_has_given_its_end_is_escaped_in_the_log()
    {
        await using var server = await TestServer.StartAsync();
        using var peer = UnixSockets.Bound($"@\u001b[2Jforged\n{Guid.NewGuid()}");
        await peer.ConnectAsync(server.EndPoint);
        var session = await server.OpenedAsync();
        peer.Dispose();
        await session.ClosedAsync();

        await Eventually.TrueAsync(() => server.LogFrom(LogLevel.Debug).Any(line => line.Contains(@"@\u001b[2Jforged\u000a") && line.Contains(" closed")));
        var lines = server.LogFrom(LogLevel.Debug).ToArray();
        lines.Should().NotContain(line => line.Contains('\u001b'));
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_start_that_fails_removes_the_socket_that_it_has_made()
    {
        await using var first = await TestServer.StartAsync();
        var path = TestWire.NewPath();

        var second = () => TestServer.StartAsync(configure: options =>
        {
            options.Listeners.Clear();
            options.Listeners.Add(TestEngine.ListenUnix(path));
            options.Listeners.Add(TestWire.ListenAgain(first.EndPoint));
        });

        await second.Should().ThrowAsync<ListenException>();
        File.Exists(path).Should().BeFalse();
    }

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task The_next_server_takes_the_path_of_a_killed_one_and_the_client_comes_back()
    {
        await using var child = await ChildProcess.ServeAsync();
        await using var client = new SocketClient(new SocketClientOptions
        {
            Dialer = TestEngine.Dial(child.EndPoint),
            Framer = Framers.Lines(),
            Reconnect = new BackoffReconnect(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(200)),
        });
        await AskAsync(client, "before");
        var lost = client.Connection!.Closed;
        child.Kill();
        await child.ExitAsync();
        await lost.WaitAsync(TestServer.Patience);
        File.Exists(((UnixEndPoint)child.EndPoint).Path).Should().BeTrue("nobody was left to remove it");

        await using var next = await TestServer.StartAsync(configure: options =>
        {
            options.Listeners.Clear();
            options.Listeners.Add(TestWire.ListenAgain(child.EndPoint));
        });

        await AskAsync(client, "after");
        next.LogFrom(LogLevel.Information).Should().Contain(line => line.Contains("which a dead process has left"));
    }

    [LinuxFact]
    public async Task Over_TLS_the_process_at_the_other_end_is_still_told()
    {
        var certificate = TlsCertificate.CreateDevelopment("daemon");
        await using var server = await TestServer.StartAsync(
            (connection, _) => connection.SendAsync($"{connection.Tls?.Protocol} {connection.RemoteEndPoint}"),
            options =>
            {
                options.Listeners.Clear();
                options.Listeners.Add(Listen.Tls(TestWire.Listen(), new TlsListenOptions { Certificate = certificate }));
            });
        var trust = new TlsDialOptions { ServerName = "daemon" };
        trust.Authorities.Add(certificate.Certificate);
        await using var client = new SocketClient(new SocketClientOptions { Dialer = Dial.Tls(TestEngine.Dial(server.EndPoint), trust), Framer = Framers.Lines() });
        await client.ConnectAsync().WaitAsync(TestServer.Patience);

        using var response = await client.RequestAsync("who am I?").AsTask().WaitAsync(TestServer.Patience);

        response.ToString().Should().StartWith($"Tls13 process {Environment.ProcessId} of user ");
    }

    private static async Task AskAsync(SocketClient client, string text)
    {
        await client.ConnectAsync().WaitAsync(TestServer.Patience);
        using var response = await client.RequestAsync(text).AsTask().WaitAsync(TestServer.Patience);
        response.ToString().Should().Be(text);
    }
}
