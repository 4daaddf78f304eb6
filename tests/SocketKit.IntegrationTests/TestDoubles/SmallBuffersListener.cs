namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>
/// A listener whose connections have small send buffers in the kernel. By itself the kernel takes megabytes for a peer that reads nothing,
/// so a send that does not finish would take more than that for each of hundreds of peers.
/// </summary>
internal sealed class SmallBuffersListener() : DelegatingListener(TestWire.Listen(backlog: 1000))
{
    public override async ValueTask<Transport?> AcceptAsync()
    {
        var accepted = await base.AcceptAsync().ConfigureAwait(false);
        if (accepted is not null)
        {
            TestEngine.SetSendBuffer(accepted, 4096);
        }

        return accepted;
    }

    /// <summary>Makes a server listen here instead.</summary>
    public static void Use(SocketServerOptions options)
    {
        options.Listeners.Clear();
        options.Listeners.Add(new SmallBuffersListener());
    }
}
