using System.Net;
using System.Net.Sockets;

namespace SocketKit.Transports.Tcp;

/// <summary>What the listeners of both engines share: finding the address, taking it, and saying why it cannot be taken.</summary>
internal abstract class TcpListenerBase : Listener
{
    private readonly EndPoint _asked;
    private readonly TcpListenOptions _options;
    private readonly Func<string, CancellationToken, ValueTask<IPAddress[]>> _resolve;
    private readonly Lock _gate = new();
    private EndPoint? _bound;
    private bool _stopped;

    protected TcpListenerBase(EndPoint endPoint, TcpListenOptions? options, Func<string, CancellationToken, ValueTask<IPAddress[]>>? resolve)
    {
        _asked = endPoint;
        _options = options ?? new TcpListenOptions();
        _resolve = resolve ?? NameResolver.ResolveAsync;
    }

    public override EndPoint EndPoint => _bound ?? _asked;

    /// <summary>The listening socket, from <see cref="BindAsync"/> on.</summary>
    protected Socket? Socket { get; private set; }

    /// <summary>Set under the lock, before <see cref="Stopped"/>.</summary>
    protected bool IsStopped => Volatile.Read(ref _stopped);

    protected TimeSpan SlowConsumerTimeout { get; private set; }

    internal override void UseSlowConsumerTimeout(TimeSpan timeout) => SlowConsumerTimeout = timeout;

    public override async ValueTask BindAsync(CancellationToken cancellationToken)
    {
        try
        {
            var address = await FindAddressAsync(cancellationToken).ConfigureAwait(false);
            var socket = Bind(address);
            lock (_gate)
            {
                if (_stopped || Socket is not null)
                {
                    socket.Dispose();
                    throw new InvalidOperationException("The listener was bound or stopped before; make a new one");
                }

                Socket = socket;
                _bound = EndPoints.Unmapped(socket.LocalEndPoint);
            }

            Bound(socket);
        }
        catch (SocketException exception)
        {
            throw new ListenException(_asked, Why(exception), exception);
        }
    }

    public override ValueTask StopAsync()
    {
        lock (_gate)
        {
            if (_stopped)
            {
                return default;
            }

            _stopped = true;
        }

        Stopped();
        return default;
    }

    public override ValueTask DisposeAsync() => StopAsync();

    public override string ToString() => $"tcp://{EndPoint}";

    /// <summary>The address is taken.</summary>
    protected abstract void Bound(Socket socket);

    /// <summary>Gives the address back, if it was taken, and completes an accept under way. Called once.</summary>
    protected abstract void Stopped();

    private async ValueTask<IPEndPoint> FindAddressAsync(CancellationToken cancellationToken)
    {
        if (_asked is IPEndPoint endPoint)
        {
            return endPoint;
        }

        var name = (DnsEndPoint)_asked;
        var addresses = await _resolve(name.Host, cancellationToken).ConfigureAwait(false);
        var address = addresses.FirstOrDefault(found => found.AddressFamily == AddressFamily.InterNetwork) ?? addresses.FirstOrDefault();
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

            TcpOptions.Apply(socket, SlowConsumerTimeout);
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

    private static string Why(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "the address is in use by another listener",
        SocketError.AccessDenied => "access denied; low ports need a privilege",
        SocketError.AddressNotAvailable => "this machine has no such address",
        _ => exception.Message,
    };
}
