using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace SocketKit.AspNetCore.Connections;

/// <summary>
/// What Kestrel asks for listeners and ASP.NET Core for outgoing connections. IP end points only: the others fall through to the next
/// factory.
/// </summary>
internal sealed class TransportFactory(TransportSettings settings) : IConnectionListenerFactory, IConnectionListenerFactorySelector, IConnectionFactory
{
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is not IPEndPoint address)
        {
            throw new NotSupportedException($"The SocketKit transport listens on IP end points; {endpoint} is none");
        }

        var listener = Listen.Tcp(address, settings.Listen);
        try
        {
            await listener.BindAsync(settings.Services, cancellationToken).ConfigureAwait(false);
        }
        catch (ListenException exception)
        {
            await listener.DisposeAsync().ConfigureAwait(false);

            // Kestrel tries IPv4 where IPv6 fails, unless the address is in use; so it must see which of the two it is.
            throw exception.InnerException switch
            {
                SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } => new AddressInUseException(exception.Message, exception),
                SocketException inner => inner,
                _ => exception,
            };
        }

        return new TransportListener(listener, settings);
    }

    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var dialer = endpoint switch
        {
            IPEndPoint address => Dial.Tcp(address, settings.Dial),
            DnsEndPoint name => Dial.Tcp(name, settings.Dial),
            _ => throw new NotSupportedException($"The SocketKit transport dials IP end points and names; {endpoint} is neither"),
        };
        return new TransportConnection(await dialer.DialAsync(settings.Services, cancellationToken).ConfigureAwait(false), settings);
    }
}
