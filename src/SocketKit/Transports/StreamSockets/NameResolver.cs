using System.Net;

namespace SocketKit.Transports.StreamSockets;

/// <summary>Names to addresses.</summary>
internal static class NameResolver
{
    /// <summary>The system's resolver. An address in text form resolves to itself.</summary>
    public static async ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(host, out var address))
        {
            return [address];
        }

        // The system's call cannot always be interrupted: a cancelled caller leaves it behind, and its outcome is looked at so that no task
        // is left unobserved.
        var resolving = Dns.GetHostAddressesAsync(host, cancellationToken);
        _ = resolving.ContinueWith(
            static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return await resolving.WaitAsync(cancellationToken).ConfigureAwait(false);
    }
}
