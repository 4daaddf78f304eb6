using System.Net;
using System.Net.Sockets;
using SocketKit.Transports.Epoll;
using SocketKit.Transports.Sockets;
using SocketKit.Transports.StreamSockets;
using SocketKit.Transports.Tls;

namespace SocketKit;

/// <summary>Names the address a client connects to.</summary>
public static class Dial
{
    /// <summary>A name or address and a port.</summary>
    /// <param name="host">A name, resolved anew at each dial, all its addresses tried 250 ms apart (RFC 8305), or an address such as
    /// <c>127.0.0.1</c>.</param>
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
    /// <param name="endPoint">The name and a port from 1 to 65535; with an address family other than
    /// <see cref="AddressFamily.Unspecified"/>, only addresses of that family are tried.</param>
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
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine that this system does not have, or it has no Unix
    /// sockets.</exception>
    public static Dialer Unix(string path, UnixDialOptions? options = null) => new UnixDialer(UnixPath.Check(path), Connect(options?.Engine ?? SocketEngine.Auto, nameof(UnixDialOptions)));

    /// <summary>TLS over TCP to a name or address and a port. The server's certificate must be valid for the host.</summary>
    /// <param name="host">As of <see cref="Tcp(string, int, TcpDialOptions?)"/>.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="tls">Whom to trust, and the client's own certificate; null for the defaults, which are strict.</param>
    /// <param name="tcp">How to dial; null for the defaults.</param>
    /// <exception cref="ArgumentException">The host is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range.</exception>
    /// <exception cref="OptionsException">An option is out of range, or would silence others.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine that this system does not have.</exception>
    public static Dialer Tls(string host, int port, TlsDialOptions? tls = null, TcpDialOptions? tcp = null) =>
        new TlsDialer(Tcp(host, port, tcp), new TlsClientSide(tls ?? new TlsDialOptions(), MappedAddress.ToIPv4(host)));

    /// <summary>TLS over another dialer's connections, which must be streams of bytes.</summary>
    /// <param name="inner">Dials.</param>
    /// <param name="tls">Whom to trust; <see cref="TlsDialOptions.ServerName"/> must be set.</param>
    /// <exception cref="ArgumentNullException">There is no dialer, or there are no options.</exception>
    /// <exception cref="OptionsException">An option is missing or out of range, or would silence others.</exception>
    public static Dialer Tls(Dialer inner, TlsDialOptions tls)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(tls);
        return new TlsDialer(inner, new TlsClientSide(tls, host: null));
    }

    /// <summary>An address as text, for command lines and configuration.</summary>
    /// <param name="url"><c>tcp://host:9000</c>, <c>tcp://[::1]:9000</c>; <c>tls://host:9443</c>; <c>unix:///run/my.sock</c>,
    /// <c>unix://@name</c>. Parameters follow a question mark: <c>engine=auto</c>, <c>epoll</c> or <c>sockets</c>; of TLS
    /// <c>ca</c>, a file in PEM with those who vouch for the server and nobody else, <c>name</c>, whom its certificate must be for, and
    /// <c>cert</c> and <c>key</c>, the client's own certificate.</param>
    /// <param name="tls">What <c>tls://</c> goes by, copied. The URL overrides it option by option, and what it does not say stays:
    /// <c>ca</c> replaces <see cref="TlsDialOptions.Authorities"/>, <c>name</c> <see cref="TlsDialOptions.ServerName"/>, <c>cert</c>
    /// <see cref="TlsDialOptions.Certificate"/>. So a URL may replace who vouches and for which name, and drops nothing else that the
    /// program asks of the server. <c>tcp://</c> and <c>unix://</c> are without TLS, whatever stands here. Default: null, the defaults,
    /// which are strict.</param>
    /// <exception cref="ArgumentException">It is no such address; the message names it and says what is allowed.</exception>
    /// <exception cref="OptionsException">One of the options is out of range, or would silence others.</exception>
    /// <exception cref="TlsCertificateException">A file cannot be loaded; the message names it.</exception>
    /// <exception cref="PlatformNotSupportedException">It asks for an engine or a feature that this system does not have.</exception>
    public static Dialer Url(string url, TlsDialOptions? tls = null)
    {
        var parsed = SocketUrl.Parse(url, "dial", ["tcp://127.0.0.1:9000", "tls://localhost:9443", "unix:///run/my.sock"]);
        if (parsed.Scheme == "unix")
        {
            return UnixUrl(parsed);
        }

        var (host, port) = parsed.HostAndPort(lowestPort: 1);
        var options = new TcpDialOptions { Engine = parsed.Engine() };
        var own = parsed.Scheme == "tls" ? TlsUrl.Dialling(parsed, tls) : null;
        parsed.End();
        if (host == "*")
        {
            throw parsed.Wrong("* is only for listening; type a host");
        }

        return own is null ? Tcp(host, port, options) : Tls(host, port, own, options);
    }

    private static Dialer UnixUrl(SocketUrl url)
    {
        var path = url.Path();
        var options = new UnixDialOptions { Engine = url.Engine() };
        url.End();
        return UnixPath.WhyNot(path) is { } why ? throw url.Wrong(why) : Unix(path, options);
    }

    private static TcpDialer Create(EndPoint endPoint, TcpDialOptions? options)
    {
        options ??= new TcpDialOptions();
        return new TcpDialer(endPoint, Connect(options.Engine, nameof(TcpDialOptions)))
        {
            Liveness = new TcpLiveness(options.KeepAlive, TcpLiveness.Check(options.UserTimeout, nameof(TcpDialOptions))),
        };
    }

    private static StreamConnect Connect(SocketEngine engine, string options) => SocketEngines.Choose(engine, options) == SocketEngine.Epoll ? EpollDial.ConnectAsync : SocketDial.ConnectAsync;

    private static void CheckPort(int port, string parameter)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1, parameter);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort, parameter);
    }
}
