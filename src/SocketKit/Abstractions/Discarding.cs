namespace SocketKit;

/// <summary>The end of a transport that never became a connection.</summary>
internal static class Discarding
{
    /// <summary>Aborts and releases it; nobody waits for that, and what goes wrong is nobody's any more.</summary>
    public static void Discard(this Transport transport)
    {
        try
        {
            transport.Abort();
        }
#pragma warning disable CA1031 // A transport of somebody else's: whoever discards it has a failure to report already.
        catch (Exception)
#pragma warning restore CA1031
        {
            // It is released all the same.
        }

        _ = ReleaseAsync(transport);
    }

    private static async Task ReleaseAsync(Transport transport)
    {
        try
        {
            await transport.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // A transport of somebody else's: whoever discards it has a failure to report already.
        catch (Exception)
#pragma warning restore CA1031
        {
            // The first failure says more.
        }
    }
}
