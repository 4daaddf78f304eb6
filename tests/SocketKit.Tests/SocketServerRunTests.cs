using System.Net;

namespace SocketKit.Tests;

public class SocketServerRunTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly InMemoryNetwork _network = new();

    [Fact]
    public async Task RunAsync_goes_on_with_a_server_that_was_started_before()
    {
        await using var server = NewServer();
        await server.StartAsync();
        using var stop = new CancellationTokenSource();

        Task running = server.RunAsync(stop.Token);
        await using Transport wire = await _network.ConnectAsync("server");

        server.Connections.Should().ContainSingle();
        running.IsCompleted.Should().BeFalse();
        await stop.CancelAsync();
        await running.WaitAsync(Patience);
        server.Connections.Should().BeEmpty();
    }

    [Fact]
    public async Task RunAsync_ends_when_somebody_stops_the_server()
    {
        await using var server = NewServer();
        Task running = server.RunAsync();

        await server.StopAsync().WaitAsync(Patience);

        await running.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_stop_before_the_start_does_not_end_a_later_run()
    {
        await using var server = NewServer();
        await server.StopAsync().WaitAsync(Patience);

        Task running = server.RunAsync();
        await using Transport wire = await _network.ConnectAsync("server");

        running.IsCompleted.Should().BeFalse();
        server.Connections.Should().ContainSingle();
    }

    [Fact]
    public void An_address_with_a_name_reads_as_it_was_typed() =>
        new ListenException(new DnsEndPoint("gateway.example", 9000), "no such name").Message.Should().Be("Cannot listen on gateway.example:9000: no such name");

    private SocketServer NewServer() => new(new SocketServerOptions
    {
        Listeners = { _network.Listen("server") },
        Framer = Framers.Lines(),
        HandlerFactory = Handlers.OnText((_, _) => default),
    });
}
