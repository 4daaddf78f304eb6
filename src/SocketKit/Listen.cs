using System.Net;
using SocketKit.Transports.Epoll;
using SocketKit.Transports.Sockets;
using SocketKit.Transports.Tls;

namespace SocketKit;

/// <summary>Names the addresses a server listens on.</summary>
/// <remarks>Made listeners take nothing yet: the address is taken when the server starts. A listener serves one server, once.</remarks>
public static class Listen
{
    /// <summary>All addresses of this machine, IPv6 and IPv4; peers that come over IPv4 show as IPv4.</summary>
    /// <param name="port">0 to 65535; 0 takes a free one, which <see cref="ISocketServer.EndPoints"/> then tells.</param>
    /// <param name="options">How to listen; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range.</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not have.</exception>
    public static Listener Tcp(int port, TcpListenOptions? options = null) => Create(new IPEndPoint(IPAddress.IPv6Any, CheckPort(port)), options);

    /// <summary>One address of this machine.</summary>
    /// <param name="host">An address such as <c>127.0.0.1</c>, or a name; of a name's addresses the first is taken, IPv4 before IPv6. <c>::</c> is all addresses, IPv6 and IPv4; <c>0.0.0.0</c> those of IPv4.</param>
    /// <param name="port">0 to 65535; 0 takes a free one, which <see cref="ISocketServer.EndPoints"/> then tells.</param>
    /// <param name="options">How to listen; null for the defaults.</param>
    /// <exception cref="ArgumentException">The host is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range.</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not have.</exception>
    public static Listener Tcp(string host, int port, TcpListenOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(host);
        CheckPort(port);
        return Create(IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port), options);
    }

    /// <summary>One address of this machine.</summary>
    /// <param name="endPoint">The address and port; port 0 takes a free one, which <see cref="ISocketServer.EndPoints"/> then tells. <see cref="IPAddress.IPv6Any"/> is all addresses, IPv6 and IPv4.</param>
    /// <param name="options">How to listen; null for the defaults.</param>
    /// <exception cref="ArgumentNullException">There is no address.</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not have.</exception>
    public static Listener Tcp(IPEndPoint endPoint, TcpListenOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return Create(new IPEndPoint(endPoint.Address, endPoint.Port), options);
    }

    /// <summary>TLS over TCP, on all addresses of this machine, IPv6 and IPv4.</summary>
    /// <param name="port">0 to 65535; 0 takes a free one, which <see cref="ISocketServer.EndPoints"/> then tells.</param>
    /// <param name="tls">The certificate, and what clients must show.</param>
    /// <param name="tcp">How to listen; null for the defaults.</param>
    /// <exception cref="ArgumentNullException">There are no options.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range.</exception>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not have.</exception>
    public static Listener Tls(int port, TlsListenOptions tls, TcpListenOptions? tcp = null) => Tls(Tcp(port, tcp), tls);

    /// <summary>TLS over TCP, on one address of this machine.</summary>
    /// <param name="host">As of <see cref="Tcp(string, int, TcpListenOptions?)"/>.</param>
    /// <param name="port">0 to 65535; 0 takes a free one, which <see cref="ISocketServer.EndPoints"/> then tells.</param>
    /// <param name="tls">The certificate, and what clients must show.</param>
    /// <param name="tcp">How to listen; null for the defaults.</param>
    /// <exception cref="ArgumentException">The host is empty.</exception>
    /// <exception cref="ArgumentNullException">There are no options.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range.</exception>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not have.</exception>
    public static Listener Tls(string host, int port, TlsListenOptions tls, TcpListenOptions? tcp = null) => Tls(Tcp(host, port, tcp), tls);

    /// <summary>TLS over another listener's connections, which must be streams of bytes.</summary>
    /// <param name="inner">Accepts the connections. It belongs to the new listener.</param>
    /// <param name="tls">The certificate, and what clients must show.</param>
    /// <exception cref="ArgumentNullException">There is no listener, or there are no options.</exception>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    public static Listener Tls(Listener inner, TlsListenOptions tls)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(tls);
        return new TlsListener(inner, new TlsServerSide(tls));
    }

    private static Listener Create(EndPoint endPoint, TcpListenOptions? options)
    {
        var copy = Checked(options ?? new TcpListenOptions());
        return copy.Engine == SocketEngine.Epoll ? new EpollListener(endPoint, copy) : new SocketListener(endPoint, copy);
    }

    /// <summary>A copy, with the engine that serves.</summary>
    private static TcpListenOptions Checked(TcpListenOptions options)
    {
        if (options.Backlog < 1)
        {
            throw new OptionsException("TcpListenOptions.Backlog", $"{options.Backlog} is out of range; type a number from 1 up");
        }

        if (options.ReusePort && !OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("TcpListenOptions.ReusePort needs Linux: elsewhere the system does not deal connections out among listeners");
        }

        return new TcpListenOptions { Engine = SocketEngines.Choose(options.Engine, nameof(TcpListenOptions)), ReusePort = options.ReusePort, Backlog = options.Backlog };
    }

    private static int CheckPort(int port)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
        return port;
    }
}
