using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>What comes before the first byte of the protocol.</summary>
public class OpeningTests
{
    [Fact]
    public async Task The_open_deadline_is_absolute()
    {
        await using var bed = new TestBed();
        await bed.StartAsync();
        CancellationToken opening = default;
        bed.Listener.Opening = async token =>
        {
            opening = token;
            await Task.Delay(Timeout.Infinite, token);
        };
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(9.8);
        bed.Listener.Wire.Aborted.Should().BeFalse();

        bed.Advance(0.3);

        bed.Listener.Wire.Aborted.Should().BeTrue();
        opening.IsCancellationRequested.Should().BeTrue();
        bed.Sessions.Should().BeEmpty();
        bed.Logs.GetSnapshot().Should().Contain(line => line.Message.Contains("OpenFailed by Peer while Opening: not open within 00:00:10 (ConnectionOptions.OpenTimeout)"));
    }

    [Fact]
    public async Task An_opening_that_fails_ends_its_own_connection()
    {
        await using var bed = new TestBed();
        await bed.StartAsync();
        bed.Listener.Opening = _ => throw new IOException("no handshake");
        await using var failing = await bed.ConnectRawAsync();
        bed.Listener.Opening = _ => default;
        await using var good = await bed.ConnectRawAsync();

        (await failing.EndsAsync()).Should().BeFalse();
        await good.SendAsync("x\n");
        (await good.ReceiveAsync()).Should().Be("x\n");
        bed.Logs.GetSnapshot().Should().Contain(line => line.Message.Contains("OpenFailed by Peer while Opening: no handshake"));
        bed.Server.Connections.Should().ContainSingle();
    }

    [Theory, Trait("Fault", "X37")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_connection_that_is_closed_by_its_handlers_factory_is_never_open(bool graceful)
    {
        await using var bed = await new TestBed().StartAsync(configure: options =>
        {
            var handler = options.HandlerFactory!;
            options.HandlerFactory = connection =>
            {
                if (graceful)
                {
                    _ = connection.CloseAsync().AsTask();
                }
                else
                {
                    connection.Abort();
                }

                return handler(connection);
            };
        });
        await using var peer = await bed.ConnectRawAsync();

        (await peer.EndsAsync()).Should().Be(graceful);
        if (graceful)
        {
            await peer.FinishAsync();
        }

        bed.Network.Settle();
        await bed.Session.Connection.Closed.WaitAsync(TestBed.Patience);
        bed.Server.Connections.Should().BeEmpty();
        bed.Session.Events.Should().BeEmpty();
    }
}
