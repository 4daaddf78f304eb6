using System.Net;
using System.Threading.Channels;

namespace SocketKit.AspNetCore.Endpoints;

/// <summary>A listener that is fed with connections that Kestrel has accepted. Several end points may feed one.</summary>
internal sealed class KestrelListener(EndPoint endPoint) : Listener
{
    private readonly Channel<Transport> _accepted = Channel.CreateUnbounded<Transport>(new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });

    public override EndPoint EndPoint => endPoint;

    /// <summary>Hands a connection to the server.</summary>
    /// <returns>False: it accepts no more.</returns>
    public bool Offer(Transport transport) => _accepted.Writer.TryWrite(transport);

    public override ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken) => default;

    public override async ValueTask<Transport?> AcceptAsync()
    {
        while (await _accepted.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            if (_accepted.Reader.TryRead(out var transport))
            {
                return transport;
            }
        }

        return null;
    }

    public override ValueTask StopAsync()
    {
        _accepted.Writer.TryComplete();
        return default;
    }

    /// <summary>What the server has not fetched any more is Kestrel's again.</summary>
    public override async ValueTask DisposeAsync()
    {
        _accepted.Writer.TryComplete();
        while (_accepted.Reader.TryRead(out var transport))
        {
            try
            {
                transport.Abort();
            }
            finally
            {
                await transport.DisposeAsync().ConfigureAwait(false);
            }
        }
    }
}
