using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace SocketKit.Transports.Sockets;

/// <summary>
/// Accepts TCP connections with blocking calls on a thread of its own, so that a starved thread pool delays no newcomer. <see cref="AcceptAsync"/> completes inline on that thread.
/// The thread accepts only while somebody waits in <see cref="AcceptAsync"/>; the rest waits in the kernel's backlog.
/// </summary>
internal sealed class SocketListener : Listener, IValueTaskSource<Transport?>
{
    private const int Backlog = 512;

    private readonly EndPoint _asked;
    private readonly Func<string, CancellationToken, ValueTask<IPAddress[]>> _resolve;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private EndPoint? _bound;
    private Socket? _socket;
    private TimeSpan _slowConsumerTimeout;
    private ManualResetValueTaskSourceCore<Transport?> _pending;
    private bool _accepting;
    private bool _stopped;

    /// <summary>The last one that was accepted has one of the descriptors in reserve. Belongs to the accept thread.</summary>
    private bool _descriptorsShort;

    public SocketListener(EndPoint endPoint, Func<string, CancellationToken, ValueTask<IPAddress[]>>? resolve = null)
    {
        _asked = endPoint;
        _resolve = resolve ?? NameResolver.ResolveAsync;
    }

    public override EndPoint EndPoint => _bound ?? _asked;

    internal override void UseSlowConsumerTimeout(TimeSpan timeout) => _slowConsumerTimeout = timeout;

    public override async ValueTask BindAsync(CancellationToken cancellationToken)
    {
        try
        {
            var address = await FindAddressAsync(cancellationToken).ConfigureAwait(false);
            var socket = Bind(address);
            lock (_gate)
            {
                if (_stopped || _socket is not null)
                {
                    socket.Dispose();
                    throw new InvalidOperationException("The listener was bound or stopped before; make a new one");
                }

                _socket = socket;
                _bound = SocketTransport.Unmapped(socket.LocalEndPoint);
            }
        }
        catch (SocketException exception)
        {
            throw new ListenException(_asked, Why(exception), exception);
        }

        new Thread(Run) { IsBackground = true, Name = $"SocketKit accept {_bound}" }.UnsafeStart();
    }

    public override ValueTask<Transport?> AcceptAsync()
    {
        lock (_gate)
        {
            if (_stopped)
            {
                return default;
            }

            if (_socket is null || _accepting)
            {
                throw new InvalidOperationException(_socket is null ? "The listener is not bound" : "An accept is under way");
            }

            _accepting = true;
            _pending.Reset();
        }

        var task = new ValueTask<Transport?>(this, _pending.Version);
        _wake.Release();
        return task;
    }

    public override ValueTask StopAsync()
    {
        Socket? socket;
        lock (_gate)
        {
            if (_stopped)
            {
                return default;
            }

            _stopped = true;
            socket = _socket;
        }

        // The runtime unblocks an accept under way; the address is free when this returns.
        socket?.Dispose();
        _wake.Release();
        return default;
    }

    public override ValueTask DisposeAsync() => StopAsync();

    public override string ToString() => $"tcp://{EndPoint}";

    Transport? IValueTaskSource<Transport?>.GetResult(short token) => _pending.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<Transport?>.GetStatus(short token) => _pending.GetStatus(token);

    void IValueTaskSource<Transport?>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _pending.OnCompleted(continuation, state, token, flags);

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

            TcpOptions.Apply(socket, _slowConsumerTimeout);
            socket.Bind(address);
            socket.Listen(Backlog);
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

    private void Run()
    {
        while (true)
        {
            _wake.Wait();
            lock (_gate)
            {
                if (!_accepting)
                {
                    if (_stopped)
                    {
                        return;
                    }

                    continue;
                }
            }

            AcceptOne();
        }
    }

    private void AcceptOne()
    {
        Transport? transport = null;
        SocketException? failure = null;
        while (transport is null && failure is null && !Volatile.Read(ref _stopped))
        {
            try
            {
                transport = AcceptNext();
            }
            catch (SocketException exception)
            {
                failure = exception;
            }
            catch (ObjectDisposedException)
            {
                // Stopped between the check and the call.
                break;
            }
        }

        lock (_gate)
        {
            _accepting = false;
        }

        // An error that the stop caused is no error.
        if (failure is not null && !Volatile.Read(ref _stopped))
        {
            _pending.SetException(failure);
        }
        else
        {
            _pending.SetResult(transport);
        }
    }

    private SocketTransport? AcceptNext()
    {
        if (_descriptorsShort && Descriptors.AreStillShort())
        {
            throw WireErrors.From(SocketError.TooManyOpenSockets);
        }

        var socket = _socket!.Accept();
        _descriptorsShort = Descriptors.AreShort(socket);
        return Wrap(socket);
    }

    /// <summary>Null when the newcomer is gone already.</summary>
    private SocketTransport? Wrap(Socket socket)
    {
        try
        {
            if (!TcpOptions.AreInherited)
            {
                TcpOptions.Apply(socket, _slowConsumerTimeout);
            }

            return new SocketTransport(socket);
        }
        catch (SocketException)
        {
            // Options and addresses of a connection that was reset in the backlog cannot be had on every system: nothing to serve.
            socket.Dispose();
            return null;
        }
    }
}
