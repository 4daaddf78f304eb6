using System.Net;
using System.Net.Sockets;

namespace SocketKit.Transports.StreamSockets;

/// <summary>A TCP address to listen on: a name is resolved when it is taken.</summary>
internal sealed class TcpAddress : StreamAddress
{
    private readonly EndPoint _asked;
    private readonly TcpListenOptions _options;
    private readonly Func<string, CancellationToken, ValueTask<IPAddress[]>> _resolve;

    public TcpAddress(EndPoint endPoint, TcpListenOptions? options = null, Func<string, CancellationToken, ValueTask<IPAddress[]>>? resolve = null)
    {
        _asked = MappedAddress.ToIPv4(endPoint);
        _options = options ?? new TcpListenOptions();
        _resolve = resolve ?? NameResolver.ResolveAsync;
    }

    public override EndPoint Asked => _asked;

    public override string Scheme => "tcp";

    public override WireProtection Protection => WireProtection.None;

    public override string ProtectionText => "TCP, not encrypted";

    /// <summary>The kernel is to probe silent peers.</summary>
    public bool ProbesSilentPeers => _options.KeepAlive;

    private TcpLiveness Liveness => new(_options.KeepAlive, _options.UserTimeout);

    protected override async ValueTask<Socket> TakeAsync(CancellationToken cancellationToken) => Bind(await FindAddressAsync(cancellationToken).ConfigureAwait(false));

    public override void GiveBack(Socket socket) => socket.Dispose();

    public override void Prepare(Socket accepted)
    {
        if (TcpOptions.AreInherited)
        {
            if (ProbesSilentPeers)
            {
                TcpOptions.SpreadKeepAlive(accepted);
            }
        }
        else
        {
            TcpOptions.Apply(accepted, Liveness, Services.SlowConsumerTimeout);
        }
    }

    public override string Why(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "the address is in use by another listener",
        SocketError.AccessDenied => "access denied; low ports need a privilege",
        SocketError.AddressNotAvailable => "this machine has no such address",
        _ => exception.Message,
    };

    private async ValueTask<IPEndPoint> FindAddressAsync(CancellationToken cancellationToken)
    {
        if (_asked is IPEndPoint endPoint)
        {
            return endPoint;
        }

        var name = (DnsEndPoint)_asked;
        var found = await _resolve(name.Host, cancellationToken).ConfigureAwait(false);
        var addresses = Array.ConvertAll(found, MappedAddress.ToIPv4);
        var address = addresses.FirstOrDefault(one => one.AddressFamily == AddressFamily.InterNetwork) ?? addresses.FirstOrDefault();
        return new IPEndPoint(address ?? throw WireErrors.From(SocketError.NoData), name.Port);
    }

    private Socket Bind(IPEndPoint address)
    {
        if (address.Address.Equals(IPAddress.IPv6Any) && !Socket.OSSupportsIPv6)
        {
            address = new IPEndPoint(IPAddress.Any, address.Port);
        }

        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            // Elsewhere the runtime lets an address in TIME_WAIT be bound again, and two listeners never share one.
            if (OperatingSystem.IsWindows())
            {
                socket.ExclusiveAddressUse = true;
            }

            TcpOptions.Apply(socket, Liveness, Services.SlowConsumerTimeout);
            if (_options.ReusePort)
            {
                TcpOptions.ReusePort(socket);
            }

            socket.Bind(address);
            socket.Listen(_options.Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
