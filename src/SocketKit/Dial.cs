using System.Net;
using System.Net.Sockets;
using SocketKit.Transports.Epoll;
using SocketKit.Transports.Sockets;
using SocketKit.Transports.Streams;
using SocketKit.Transports.Tcp;
using SocketKit.Transports.Unix;

namespace SocketKit;

/// <summary>Names the address a client connects to.</summary>
public static class Dial
{
    /// <summary>A name or address and a port.</summary>
    /// <param name="host">A name, resolved anew at each dial, all its addresses tried 250 ms apart (RFC 8305), or an address such as <c>127.0.0.1</c>.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="options">How to dial; null for the defaults.</param>
    /// <exception cref="ArgumentException">The host is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range.</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine that this system does not have.</exception>
    public static Dialer Tcp(string host, int port, TcpDialOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(host);
        CheckPort(port, nameof(port));
        return Create(IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port), options);
    }

    /// <summary>One address.</summary>
    /// <param name="endPoint">The address and a port from 1 to 65535.</param>
    /// <param name="options">How to dial; null for the defaults.</param>
    /// <exception cref="ArgumentNullException">There is no address.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is 0.</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine that this system does not have.</exception>
    public static Dialer Tcp(IPEndPoint endPoint, TcpDialOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        CheckPort(endPoint.Port, nameof(endPoint));
        return Create(new IPEndPoint(endPoint.Address, endPoint.Port), options);
    }

    /// <summary>A name, resolved anew at each dial, all its addresses tried 250 ms apart (RFC 8305).</summary>
    /// <param name="endPoint">The name and a port from 1 to 65535; with an address family other than <see cref="AddressFamily.Unspecified"/>, only addresses of that family are tried.</param>
    /// <param name="options">How to dial; null for the defaults.</param>
    /// <exception cref="ArgumentNullException">There is no name.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is 0.</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine that this system does not have.</exception>
    public static Dialer Tcp(DnsEndPoint endPoint, TcpDialOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        CheckPort(endPoint.Port, nameof(endPoint));
        return Create(endPoint, options);
    }

    /// <summary>A Unix-domain socket of a server on the same machine.</summary>
    /// <param name="path">The path of the socket file; on Linux also <c>@name</c>, a name in the abstract namespace.</param>
    /// <param name="options">How to dial; null for the defaults.</param>
    /// <exception cref="ArgumentException">The path is empty, or longer than the 107 bytes of UTF-8 that fit (103 on macOS).</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine that this system does not have, or it has no Unix sockets.</exception>
    public static Dialer Unix(string path, UnixDialOptions? options = null) => new UnixDialer(UnixPath.Check(path), Connect(options?.Engine ?? SocketEngine.Auto, nameof(UnixDialOptions)));

    /// <summary>An address as text, for command lines and configuration.</summary>
    /// <param name="url"><c>tcp://host:9000</c>, <c>tcp://[::1]:9000</c>, or <c>unix:///run/my.sock</c>, <c>unix://@name</c>; each with <c>?engine=auto</c>, <c>epoll</c> or <c>sockets</c>, if need be.</param>
    /// <exception cref="ArgumentException">It is no such address; the message names it and says what is allowed.</exception>
    /// <exception cref="PlatformNotSupportedException">It asks for an engine or a feature that this system does not have.</exception>
    public static Dialer Url(string url)
    {
        var parsed = SocketUrl.Parse(url, "dial", ["tcp://127.0.0.1:9000", "unix:///run/my.sock"]);
        return parsed.Scheme == "unix" ? UnixUrl(parsed) : TcpUrl(parsed);
    }

    private static Dialer TcpUrl(SocketUrl url)
    {
        var (host, port) = url.HostAndPort(lowestPort: 1);
        var options = new TcpDialOptions { Engine = url.Engine() };
        url.End();
        return host == "*" ? throw url.Wrong("* is only for listening; type a host") : Tcp(host, port, options);
    }

    private static Dialer UnixUrl(SocketUrl url)
    {
        var path = url.Path();
        var options = new UnixDialOptions { Engine = url.Engine() };
        url.End();
        return UnixPath.WhyNot(path) is { } why ? throw url.Wrong(why) : Unix(path, options);
    }

    private static TcpDialer Create(EndPoint endPoint, TcpDialOptions? options) => new(endPoint, Connect(options?.Engine ?? SocketEngine.Auto, nameof(TcpDialOptions)));

    private static StreamConnect Connect(SocketEngine engine, string options) => SocketEngines.Choose(engine, options) == SocketEngine.Epoll ? EpollDial.ConnectAsync : SocketDial.ConnectAsync;

    private static void CheckPort(int port, string parameter)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1, parameter);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort, parameter);
    }
}
