using SocketKit.Transports.InMemory;

namespace SocketKit.Tests.TestDoubles;

/// <summary>
/// A dialer that always goes on on the network's thread: so whoever has settled the network has seen all that a client does with its new
/// connection, or with the failure.
/// </summary>
internal sealed class OnTheNetwork(InMemoryNetwork network, Dialer inner) : DelegatingDialer(inner)
{
    public override async ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken)
    {
        try
        {
            return await base.DialAsync(services, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            await new InMemoryYield(network.Pump, leavesPump: false).WaitAsync().ConfigureAwait(false);
        }
    }
}
