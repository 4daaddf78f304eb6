using System.Net;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>
/// A listener whose connections have small send buffers in the kernel. By itself the kernel takes megabytes for a peer that reads nothing, so a send that does not finish would take more than that for
/// each of hundreds of peers.
/// </summary>
internal sealed class SmallBuffersListener : Listener
{
    private readonly Listener _listener = TestWire.Listen(backlog: 1000);

    public override EndPoint EndPoint => _listener.EndPoint;

    internal override void UseSlowConsumerTimeout(TimeSpan timeout) => _listener.UseSlowConsumerTimeout(timeout);

    public override ValueTask BindAsync(CancellationToken cancellationToken) => _listener.BindAsync(cancellationToken);

    public override async ValueTask<Transport?> AcceptAsync()
    {
        var accepted = await _listener.AcceptAsync().ConfigureAwait(false);
        if (accepted is not null)
        {
            TestEngine.SetSendBuffer(accepted, 4096);
        }

        return accepted;
    }

    public override ValueTask StopAsync() => _listener.StopAsync();

    public override ValueTask DisposeAsync() => _listener.DisposeAsync();

    /// <summary>Makes a server listen here instead.</summary>
    public static void Use(SocketServerOptions options)
    {
        options.Listeners.Clear();
        options.Listeners.Add(new SmallBuffersListener());
    }
}
