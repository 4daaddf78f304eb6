using System.Net;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>What the listeners of both engines hold, on every kind of address.</summary>
public abstract class StreamListenerContract
{
    protected static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A listener on an address of its own.</summary>
    protected abstract Listener Make();

    protected abstract ValueTask<Transport> DialAsync(EndPoint endPoint);

    [Fact]
    public async Task A_listener_is_bound_once()
    {
        await using var listener = await ListenAsync(Make());

        var again = async () => await listener.BindAsync(new(), default);

        await again.Should().ThrowAsync<InvalidOperationException>();
        await using var dialled = await DialAsync(listener.EndPoint);
        await using var accepted = await listener.AcceptAsync().AsTask().WaitAsync(Patience);
        accepted.Should().NotBeNull("the first bind holds");
    }

    [Fact]
    public async Task AcceptAsync_gives_one_connection_per_call_and_the_backlog_keeps_the_rest()
    {
        await using var listener = await ListenAsync(Make());
        var dialled = new List<Transport>();
        for (var i = 0; i < 50; i++)
        {
            dialled.Add(await DialAsync(listener.EndPoint).AsTask().WaitAsync(Patience));
        }

        var accepted = new List<EndPoint?>();
        foreach (var _ in dialled)
        {
            await using var transport = await listener.AcceptAsync().AsTask().WaitAsync(Patience);
            accepted.Add(transport!.RemoteEndPoint);
        }

        accepted.Should().BeEquivalentTo(dialled.Select(transport => transport.LocalEndPoint));
        foreach (var transport in dialled)
        {
            await transport.DisposeAsync();
        }
    }

    [Fact]
    public async Task AcceptAsync_allows_one_call_at_a_time()
    {
        await using var listener = await ListenAsync(Make());
        var first = listener.AcceptAsync().AsTask();

        var second = async () => await listener.AcceptAsync();

        await second.Should().ThrowAsync<InvalidOperationException>();
        await listener.StopAsync();
        (await first.WaitAsync(Patience)).Should().BeNull();
    }

    [Fact]
    public async Task AcceptAsync_before_the_bind_is_a_mistake_that_is_told()
    {
        await using var listener = Make();

        var accept = async () => await listener.AcceptAsync();

        await accept.Should().ThrowAsync<InvalidOperationException>();
    }

    [Fact]
    public async Task StopAsync_unblocks_an_accept_and_is_idempotent()
    {
        var listener = await ListenAsync(Make());
        var accept = listener.AcceptAsync().AsTask();
        accept.IsCompleted.Should().BeFalse();

        await listener.StopAsync();
        await listener.StopAsync();
        await listener.DisposeAsync();

        (await accept.WaitAsync(Patience)).Should().BeNull();
        (await listener.AcceptAsync()).Should().BeNull();
    }

    [Fact]
    public async Task StopAsync_works_right_after_the_bind_whatever_the_accept_thread_is_doing()
    {
        for (var round = 0; round < 200; round++)
        {
            var listener = await ListenAsync(Make());
            var accept = listener.AcceptAsync().AsTask();
            await listener.StopAsync();
            (await accept.WaitAsync(Patience)).Should().BeNull();
        }
    }

    [Fact]
    public async Task StopAsync_before_the_bind_makes_the_bind_fail()
    {
        var listener = Make();
        await listener.StopAsync();

        var bind = async () => await listener.BindAsync(new(), default);

        await bind.Should().ThrowAsync<InvalidOperationException>();
    }

    protected static async Task<Listener> ListenAsync(Listener listener)
    {
        await listener.BindAsync(new(), default);
        return listener;
    }
}
