using System.Net;
using System.Net.Sockets;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// Dials TCP. A name is resolved at every dial; its addresses, families alternating, are tried one after the other, 32 at the most, 250 ms
/// apart, or at once when the one before has failed (RFC 8305). The first that answers wins; the other attempts are closed. Each engine
/// brings its own way to connect.
/// </summary>
internal sealed class TcpDialer : Dialer
{
    /// <summary>Whoever answers for a name chooses what is dialled: so many at each dial, and no more.</summary>
    internal const int MostAddresses = 32;

    private static readonly TimeSpan AttemptDelay = TimeSpan.FromMilliseconds(250);

    private readonly EndPoint _endPoint;
    private readonly StreamConnect _connect;
    private readonly Func<string, CancellationToken, ValueTask<IPAddress[]>> _resolve;

    public TcpDialer(EndPoint endPoint, StreamConnect connect, Func<string, CancellationToken, ValueTask<IPAddress[]>>? resolve = null)
    {
        _endPoint = MappedAddress.ToIPv4(endPoint);
        _connect = connect;
        _resolve = resolve ?? NameResolver.ResolveAsync;
    }

    /// <summary>How a peer that is gone is found.</summary>
    public TcpLiveness Liveness { get; init; } = TcpLiveness.Default;

    public override async ValueTask<Transport> DialAsync(TransportServices services, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var endPoints = await FindAddressesAsync(cancellationToken).ConfigureAwait(false);
        using var race = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task<Transport>>(endPoints.Count);
        try
        {
            return await RaceAsync(endPoints, running, services, race.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Names the caller's token, not the one in here.
            cancellationToken.ThrowIfCancellationRequested();
            throw;
        }
        finally
        {
            await race.CancelAsync().ConfigureAwait(false);
            foreach (var loser in running)
            {
                _ = CloseAsync(loser);
            }
        }
    }

    public override string ToString() => _endPoint is DnsEndPoint name ? $"tcp://{name.Host}:{name.Port}" : $"tcp://{_endPoint}";

    /// <summary>
    /// Orders addresses so that families alternate, beginning with the family of the first: the resolver's order is the system's
    /// preference.
    /// </summary>
    internal static List<IPAddress> Interleave(IReadOnlyList<IPAddress> addresses)
    {
        var first = addresses.Where(address => address.AddressFamily == addresses[0].AddressFamily).ToList();
        var second = addresses.Where(address => address.AddressFamily != addresses[0].AddressFamily).ToList();
        var ordered = new List<IPAddress>(addresses.Count);
        for (var i = 0; i < Math.Max(first.Count, second.Count); i++)
        {
            ordered.AddRange(first.Skip(i).Take(1));
            ordered.AddRange(second.Skip(i).Take(1));
        }

        return ordered;
    }

    private async ValueTask<List<IPEndPoint>> FindAddressesAsync(CancellationToken cancellationToken)
    {
        if (_endPoint is IPEndPoint endPoint)
        {
            return [endPoint];
        }

        var name = (DnsEndPoint)_endPoint;
        try
        {
            var found = await _resolve(name.Host, cancellationToken).ConfigureAwait(false);
            var addresses = name.AddressFamily == AddressFamily.Unspecified ? found : [.. found.Where(address => address.AddressFamily == name.AddressFamily)];
            return addresses.Length > 0
                ? Interleave(Array.ConvertAll(addresses, MappedAddress.ToIPv4)).Take(MostAddresses).ToList().ConvertAll(address => new IPEndPoint(address, name.Port))
                : throw WireErrors.From(SocketError.NoData);
        }
        catch (SocketException exception)
        {
            throw new SocketException((int)exception.SocketErrorCode, $"The name {name.Host} cannot be resolved: {exception.Message}");
        }
    }

    /// <summary>Starts attempts until one succeeds. Leaves in <paramref name="running"/> those that are still under way.</summary>
    private async ValueTask<Transport> RaceAsync(List<IPEndPoint> endPoints, List<Task<Transport>> running, TransportServices services, CancellationToken cancellationToken)
    {
        var failures = new List<(IPEndPoint EndPoint, SocketException Exception)>();
        var next = 0;
        while (true)
        {
            if (next < endPoints.Count)
            {
                running.Add(AttemptAsync(endPoints[next++], failures, services, cancellationToken));
            }
            else if (running.Count == 0)
            {
                throw Summary(failures);
            }

            IEnumerable<Task> events = next < endPoints.Count ? [.. running, Task.Delay(AttemptDelay, services.TimeProvider, cancellationToken)] : running;
            var first = await Task.WhenAny(events).ConfigureAwait(false);
            if (first is not Task<Transport> attempt)
            {
                cancellationToken.ThrowIfCancellationRequested();
                continue;
            }

            running.Remove(attempt);
            try
            {
                return await attempt.ConfigureAwait(false);
            }
            catch (SocketException) when (running.Count > 0 || next < endPoints.Count)
            {
                // Kept in the list of failures; others may still answer.
            }
            catch (SocketException)
            {
                throw Summary(failures);
            }
        }
    }

    private async Task<Transport> AttemptAsync(IPEndPoint endPoint, List<(IPEndPoint EndPoint, SocketException Exception)> failures, TransportServices services, CancellationToken cancellationToken)
    {
        Socket? socket = null;
        try
        {
            socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            Descriptors.ThrowIfShort(socket.Handle);
            TcpOptions.Apply(socket, Liveness, services.SlowConsumerTimeout);
            return await _connect(socket, endPoint, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            socket?.Dispose();
            if (exception is SocketException failure)
            {
                lock (failures)
                {
                    failures.Add((endPoint, failure));
                }
            }

            throw;
        }
    }

    /// <summary>
    /// One exception for all: the code of the last that is more telling than an unreachable network, and every address in the message.
    /// </summary>
    private static SocketException Summary(List<(IPEndPoint EndPoint, SocketException Exception)> failures)
    {
        lock (failures)
        {
            var telling = failures.FindLast(failure => !IsUnreachable(failure.Exception.SocketErrorCode)).Exception ?? failures[^1].Exception;
            return new SocketException((int)telling.SocketErrorCode, string.Join("; ", failures.Select(failure => $"{failure.EndPoint}: {failure.Exception.Message}")));
        }
    }

    private static bool IsUnreachable(SocketError error) =>
        error is SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable;

    private static async Task CloseAsync(Task<Transport> loser)
    {
        try
        {
            await (await loser.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // It lost or was cancelled: nobody asks any more.
        }
    }
}
