using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

/// <summary>The token for the end of a server.</summary>
public class StoppingTokenTests
{
    [Fact]
    public async Task It_is_canceled_when_the_server_begins_to_stop_and_what_is_in_flight_still_ends()
    {
        var canceled = Gate();
        await using var bed = await new TestBed().StartAsync(async (connection, _) =>
        {
            await using var registration = connection.StoppingToken.Register(canceled.SetResult);
            await canceled.Task;
            await connection.SendAsync(connection.ClosedToken.IsCancellationRequested ? "closed" : "stopping");
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("x\n");
        bed.Network.Settle();
        var token = bed.Session.Connection.StoppingToken;
        token.IsCancellationRequested.Should().BeFalse();

        var stopping = bed.Server.StopAsync();

        (await peer.ReceiveToEndAsync()).Should().Be("stopping\n");
        await peer.FinishAsync();
        await stopping.Soon();
        token.IsCancellationRequested.Should().BeTrue();
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.ServerStopping);
    }

    [Fact]
    public async Task A_token_that_is_made_during_a_stop_is_canceled()
    {
        var gate = Gate();
        await using var bed = await new TestBed().StartAsync((_, _) => new ValueTask(gate.Task));
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("x\n");
        bed.Network.Settle();

        var stopping = bed.Server.StopAsync();
        await Eventually.TrueAsync(() =>
            bed.Server.State == ServerState.Draining && bed.Session.Connection.StoppingToken.IsCancellationRequested);

        bed.Session.Connection.ClosedToken.IsCancellationRequested.Should().BeFalse();
        bed.Open(gate);
        await peer.FinishAsync();
        await stopping.Soon();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_is_canceled_at_the_latest_with_the_closed_token(bool madeBefore)
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        bed.Network.Settle();
        var connection = bed.Session.Connection;
        var before = madeBefore ? connection.StoppingToken : default;

        connection.Abort();

        connection.StoppingToken.IsCancellationRequested.Should().BeTrue();
        before.IsCancellationRequested.Should().Be(madeBefore);
    }

    [Fact]
    public async Task It_is_canceled_when_the_client_disconnects_and_registrations_run_on_the_pool()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();
        var onPool = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = client.Connection!.StoppingToken.Register(() => onPool.SetResult(Thread.CurrentThread.IsThreadPoolThread));

        await client.DisconnectAsync().Soon();

        (await onPool.Task.Soon()).Should().BeTrue();
    }
}
