using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SocketKit.Hosting.Services;
using SocketKit.Hosting.Tests.TestDoubles;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Services;

public class HostedClientTests
{
    [Fact]
    public async Task The_start_does_not_wait_for_a_server_and_the_client_finds_it_later()
    {
        await using var host = new HostBed();
        AddClient(host).Configure(options => options.Reconnect = new BackoffReconnect(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(10)));
        await host.StartAsync();
        var client = host.Host.Services.GetRequiredService<ISocketClient>();
        client.State.Should().NotBe(ClientState.Connected);
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        client.StateChanged += (_, change) =>
        {
            if (change.To == ClientState.Connected)
            {
                connected.TrySetResult();
            }
        };

        await using var server = new SocketServer(new SocketServerOptions { Listeners = { host.Network.Listen("later") }, Framer = Framers.Lines(), HandlerFactory = Handlers.Reply(new GuessThanksSorryOkReplies()) });
        await server.StartAsync();
        await connected.Task.WaitAsync(HostBed.Patience);
        using var response = await client.RequestAsync("4");
        response.ToString().Should().Be("好的!");

        await host.StopAsync();
        client.State.Should().Be(ClientState.Disconnected);
    }

    [Fact]
    public async Task A_start_that_waits_has_a_connected_client()
    {
        await using var host = new HostBed();
        host.AddServer("later").UseReplies(new GuessThanksSorryOkReplies());
        AddClient(host).WaitForConnection();
        await host.StartAsync();
        host.Host.Services.GetRequiredService<ISocketClient>().State.Should().Be(ClientState.Connected);
    }

    [Fact]
    public async Task A_start_that_waits_in_vain_fails_with_one_line_that_says_why()
    {
        var time = new FakeTimeProvider();
        await using var host = new HostBed();
        host.Services.AddSingleton<TimeProvider>(time);
        AddClient(host);
        host.Configuration["SocketKit:Clients:upstream:WaitForConnection"] = "200ms";
        var start = host.StartAsync();
        await Eventually.TrueAsync(() => host.Host.Services.GetRequiredKeyedService<HostedClient>("upstream").LastChange?.Reason is not null);
        start.IsCompleted.Should().BeFalse();
        await Eventually.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(200));
            return start.IsCompleted;
        });
        await start.Invoking(late => late).Should().ThrowAsync<TimeoutException>();
        var line = host.OwnLogs.Single();
        (line.Level, line.Id.Id).Should().Be((LogLevel.Critical, 81));
        line.Message.Should().Match("The client upstream cannot start: not connected within 00:00:00.2000000 (SocketKit:Clients:upstream:WaitForConnection)*ConnectFailed*");
    }

    [Fact]
    public async Task A_start_that_waits_fails_at_once_when_the_client_gives_up()
    {
        await using var host = new HostBed();
        AddClient(host, options => options.Reconnect = null).WaitForConnection(Timeout.InfiniteTimeSpan);
        await host.Invoking(late => late.StartAsync()).Should().ThrowAsync<ConnectException>();
    }

    [Fact]
    public async Task A_client_that_gives_up_in_the_background_says_so_and_the_program_lives()
    {
        await using var host = new HostBed();
        AddClient(host);
        host.Configuration["SocketKit:Clients:upstream:Reconnect"] = "None";
        await host.StartAsync();
        await Eventually.TrueAsync(() => host.OwnLogs.Any(line => line.Id.Id == 82));

        host.Host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested.Should().BeFalse();
        await host.StopAsync();
    }

    [Fact]
    public void The_time_to_wait_is_above_zero_and_a_day_at_most_or_infinite()
    {
        var builder = new ServiceCollection().AddSocketClient("x");
        foreach (var wrong in new[] { TimeSpan.Zero, TimeSpan.FromSeconds(-1), TimeSpan.FromDays(1) + TimeSpan.FromTicks(1), TimeSpan.MaxValue })
        {
            builder.Invoking(client => client.WaitForConnection(wrong)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("Give a time above zero and up to a day, or Timeout.InfiniteTimeSpan*");
        }

        builder.WaitForConnection(TimeSpan.FromDays(1)).WaitForConnection(TimeSpan.FromTicks(1)).WaitForConnection(Timeout.InfiniteTimeSpan).Should().BeSameAs(builder);
    }

    private static SocketClientBuilder AddClient(HostBed host, Action<SocketClientOptions>? configure = null) => host.Services.AddSocketClient("upstream", options =>
    {
        options.Dialer = host.Network.Dial("later");
        options.Framer = Framers.Lines();
        configure?.Invoke(options);
    });
}
