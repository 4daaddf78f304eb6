using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.IntegrationTests.Transports.StreamSockets;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>Clients that cannot connect.</summary>
public class ConnectTests(ITestOutputHelper output)
{
    [FullBacklogFact]
    [Trait("Fault", "N06")]
    public async Task A_server_that_never_answers_is_a_connect_timeout()
    {
        using var hole = new FullBacklog(IPAddress.Loopback);
        await using var client = Client(TestEngine.Dial(hole.EndPoint), options => options.ConnectTimeout = TimeSpan.FromMilliseconds(500));
        var watch = Stopwatch.StartNew();

        var connect = () => client.ConnectAsync().WaitAsync(TestServer.Patience);

        var reason = (await connect.Should().ThrowAsync<ConnectException>()).Which.Reason;
        output.WriteLine($"N06: gave up after {watch.ElapsedMilliseconds} ms, connect time-out 500 ms");
        watch.Elapsed.Should().BeGreaterThan(TimeSpan.FromMilliseconds(450)).And.BeLessThan(Bounds.Seconds(0.5));
        reason.Kind.Should().Be(CloseKind.ConnectTimeout);
        reason.Phase.Should().Be(ClosePhase.Connecting);
        reason.By.Should().Be(CloseParty.Network);
        client.State.Should().Be(ClientState.Disconnected);
    }

    [FullBacklogFact]
    [Trait("Fault", "N06")]
    public async Task An_attempt_that_nobody_answers_is_cancelled_at_once()
    {
        using var hole = new FullBacklog(IPAddress.Loopback);
        var fastest = TimeSpan.MaxValue;
        for (var i = 0; i < 5; i++)
        {
            await using var client = Client(TestEngine.Dial(hole.EndPoint));
            using var cancellation = new CancellationTokenSource();
            var connect = client.ConnectAsync(cancellation.Token);

            var watch = Stopwatch.StartNew();
            await cancellation.CancelAsync();

            var wait = () => connect.WaitAsync(TestServer.Patience);
            await wait.Should().ThrowAsync<OperationCanceledException>();
            await client.DisposeAsync().AsTask().WaitAsync(TestServer.Patience);
            fastest = watch.Elapsed < fastest ? watch.Elapsed : fastest;
        }

        // The fastest of five, because the machine may be busy with something else.
        output.WriteLine($"N06: cancelled and disposed of after {fastest.TotalMilliseconds:0.0} ms");
        fastest.Should().BeLessThan(TimeSpan.FromMilliseconds(100));
    }

    [Fact]
    [Trait("Fault", "N07")]
    public async Task A_refusal_is_told_at_once_with_the_address()
    {
        EndPoint address;
        await using (var probe = await TestServer.StartAsync())
        {
            address = probe.EndPoint;
        }

        await using var client = Client(TestEngine.Dial(address));
        var watch = Stopwatch.StartNew();

        var connect = () => client.ConnectAsync().WaitAsync(TestServer.Patience);

        var exception = (await connect.Should().ThrowAsync<ConnectException>()).Which;
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(0.1));
        exception.Message.Should().Contain(address.ToString());
        exception.Reason.Kind.Should().Be(CloseKind.ConnectFailed);
        exception.Reason.Exception.Should().BeOfType<SocketException>().Which.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
    }

    [Fact]
    [Trait("Fault", "N07")]
    public async Task A_server_that_only_listens_on_IPv4_is_reached_by_its_name()
    {
        await using var server = await TestServer.StartAsync();
        await using var client = Client(TestEngine.Dial("localhost", server.Port));

        await client.ConnectAsync().WaitAsync(TestServer.Patience);

        using var response = await client.RequestAsync("hello").AsTask().WaitAsync(TestServer.Patience);
        response.ToString().Should().Be("hello");
    }

    private static SocketClient Client(Dialer dialer, Action<SocketClientOptions>? configure = null)
    {
        var options = new SocketClientOptions { Dialer = dialer, Framer = Framers.Lines() };
        configure?.Invoke(options);
        return new SocketClient(options);
    }
}
