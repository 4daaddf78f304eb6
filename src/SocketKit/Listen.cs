using System.Net;
using SocketKit.Transports.Epoll;
using SocketKit.Transports.Sockets;
using SocketKit.Transports.StreamSockets;
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
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not
    /// have.</exception>
    public static Listener Tcp(int port, TcpListenOptions? options = null) => Create(new IPEndPoint(IPAddress.IPv6Any, CheckPort(port)), options);

    /// <summary>One address of this machine.</summary>
    /// <param name="host">An address such as <c>127.0.0.1</c>, or a name; of a name's addresses the first is taken, IPv4 before IPv6.
    /// <c>::</c> is all addresses, IPv6 and IPv4; <c>0.0.0.0</c> those of IPv4.</param>
    /// <param name="port">0 to 65535; 0 takes a free one, which <see cref="ISocketServer.EndPoints"/> then tells.</param>
    /// <param name="options">How to listen; null for the defaults.</param>
    /// <exception cref="ArgumentException">The host is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range.</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not
    /// have.</exception>
    public static Listener Tcp(string host, int port, TcpListenOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(host);
        CheckPort(port);
        return Create(IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port), options);
    }

    /// <summary>One address of this machine.</summary>
    /// <param name="endPoint">The address and port; port 0 takes a free one, which <see cref="ISocketServer.EndPoints"/> then tells.
    /// <see cref="IPAddress.IPv6Any"/> is all addresses, IPv6 and IPv4.</param>
    /// <param name="options">How to listen; null for the defaults.</param>
    /// <exception cref="ArgumentNullException">There is no address.</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not
    /// have.</exception>
    public static Listener Tcp(IPEndPoint endPoint, TcpListenOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return Create(new IPEndPoint(endPoint.Address, endPoint.Port), options);
    }

    /// <summary>
    /// A Unix-domain socket: for programs on the same machine, without a port, guarded by file permissions, and the peer's process and user
    /// are known (<see cref="UnixEndPoint.Credentials"/>).
    /// </summary>
    /// <param name="path">The path of the socket file that is made when the server starts and removed when it stops; its folder must exist.
    /// On Linux, <c>@name</c> is a name without a file, in the abstract namespace. A socket that a dead process has left there is replaced
    /// (Linux); a path on which somebody listens, and anything that is no socket, is left alone, and the start fails with
    /// <see cref="ListenException"/>.</param>
    /// <param name="options">How to listen; null for the defaults.</param>
    /// <exception cref="ArgumentException">The path is empty, or longer than the 107 bytes of UTF-8 that fit (103 on macOS).</exception>
    /// <exception cref="OptionsException">An option is out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not have, or it has
    /// no Unix sockets.</exception>
    public static Listener Unix(string path, UnixListenOptions? options = null)
    {
        var copy = Checked(options ?? new UnixListenOptions());
        return Create(copy.Engine, new UnixAddress(UnixPath.Check(path), copy));
    }

    /// <summary>TLS over TCP, on all addresses of this machine, IPv6 and IPv4.</summary>
    /// <param name="port">0 to 65535; 0 takes a free one, which <see cref="ISocketServer.EndPoints"/> then tells.</param>
    /// <param name="tls">The certificate, and what clients must show.</param>
    /// <param name="tcp">How to listen; null for the defaults.</param>
    /// <exception cref="ArgumentNullException">There are no options.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range.</exception>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not
    /// have.</exception>
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
    /// <exception cref="PlatformNotSupportedException">The options ask for an engine or a feature that this system does not
    /// have.</exception>
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

    /// <summary>An address as text, for command lines and configuration.</summary>
    /// <param name="url"><c>tcp://127.0.0.1:9000</c>, <c>tcp://[::1]:9000</c>, <c>tcp://*:9000</c> (all addresses, IPv6 and IPv4);
    /// <c>tls://*:9443?cert=full.pem&amp;key=key.pem</c>; <c>unix:///run/my.sock</c>, <c>unix://@name</c>. Parameters follow a question
    /// mark: <c>backlog=512</c>; <c>engine=auto</c>, <c>epoll</c> or <c>sockets</c>; of TCP and TLS <c>reuseport=true</c>; of Unix sockets
    /// <c>mode=660</c>, the permissions; of TLS <c>cert</c> and <c>key</c>, files in PEM (or one in PFX without a password), and <c>ca</c>,
    /// a file in PEM with those who vouch for clients, who then must show a certificate.</param>
    /// <param name="tls">What <c>tls://</c> goes by, copied. The URL overrides it option by option, and what it does not say stays:
    /// <c>cert</c> replaces <see cref="TlsListenOptions.Certificate"/> (not those of <see cref="TlsListenOptions.ServerNames"/>);
    /// <c>ca</c> replaces <see cref="TlsListenOptions.ClientAuthorities"/>, and the mode becomes
    /// <see cref="ClientCertificateMode.Required"/>. So a URL may replace who vouches for clients, and drops nothing else that the program
    /// asks of them.
    /// <c>tcp://</c> and <c>unix://</c> are without TLS, whatever stands here. Default: null; then the URL must have a <c>cert</c>.</param>
    /// <exception cref="ArgumentException">It is no such address; the message names it and says what is allowed.</exception>
    /// <exception cref="OptionsException">One of the options is missing or out of range.</exception>
    /// <exception cref="TlsCertificateException">A file cannot be loaded; the message names it.</exception>
    /// <exception cref="PlatformNotSupportedException">It asks for an engine or a feature that this system does not have.</exception>
    public static Listener Url(string url, TlsListenOptions? tls = null)
    {
        var parsed = SocketUrl.Parse(url, "listen on", ["tcp://127.0.0.1:9000", "tls://127.0.0.1:9443?cert=full.pem&key=key.pem", "unix:///run/my.sock"]);
        return parsed.Scheme switch
        {
            "unix" => UnixUrl(parsed),
            "tls" => TlsOverTcpUrl(parsed, tls),
            _ => TcpUrl(parsed),
        };
    }

    private static Listener TlsOverTcpUrl(SocketUrl url, TlsListenOptions? program)
    {
        var tls = TlsUrl.Listening(url, program);
        var tcp = TcpUrl(url);
        return TlsUrl.LacksCertificate(tls) ? throw url.Wrong("tls needs a certificate; type ?cert=full.pem&key=key.pem, say") : Tls(tcp, tls);
    }

    private static Listener TcpUrl(SocketUrl url)
    {
        var options = new TcpListenOptions();
        var (host, port) = url.HostAndPort(lowestPort: 0);
        options.Backlog = url.Number("backlog", lowest: 1, options.Backlog);
        options.Engine = url.Engine();
        options.ReusePort = url.Flag("reuseport");
        url.End();
        return host == "*" ? Tcp(port, options) : Tcp(host, port, options);
    }

    private static Listener UnixUrl(SocketUrl url)
    {
        var options = new UnixListenOptions();
        var path = url.Path();
        options.Backlog = url.Number("backlog", lowest: 1, options.Backlog);
        options.Engine = url.Engine();
        options.Permissions = url.Mode();
        url.End();
        return UnixPath.WhyNot(path) is { } why ? throw url.Wrong(why) : Unix(path, options);
    }

    private static Listener Create(EndPoint endPoint, TcpListenOptions? options)
    {
        var copy = Checked(options ?? new TcpListenOptions());
        return Create(copy.Engine, new TcpAddress(endPoint, copy));
    }

    private static Listener Create(SocketEngine engine, StreamAddress address) => engine == SocketEngine.Epoll ? new EpollListener(address) : new SocketListener(address);

    private static UnixListenOptions Checked(UnixListenOptions options)
    {
        const UnixFileMode All = (UnixFileMode)0x1FF;
        CheckBacklog(options.Backlog, nameof(UnixListenOptions));
        if (options.Permissions is { } permissions)
        {
            if ((permissions & ~All) != 0)
            {
                throw new OptionsException("UnixListenOptions.Permissions", $"{permissions} holds more than who may read, write and execute; type UnixFileMode.UserWrite | UnixFileMode.GroupWrite, say");
            }

            if (OperatingSystem.IsWindows())
            {
                throw new PlatformNotSupportedException("UnixListenOptions.Permissions needs a system of the Unix family: on Windows the access list of the folder decides");
            }
        }

        return new UnixListenOptions { Engine = SocketEngines.Choose(options.Engine, nameof(UnixListenOptions)), Permissions = options.Permissions, AllowSharedFolder = options.AllowSharedFolder, Backlog = options.Backlog };
    }

    /// <summary>A copy, with the engine that serves.</summary>
    private static TcpListenOptions Checked(TcpListenOptions options)
    {
        CheckBacklog(options.Backlog, nameof(TcpListenOptions));
        if (options.ReusePort && !OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("TcpListenOptions.ReusePort needs Linux: elsewhere the system does not deal connections out among listeners");
        }

        return new TcpListenOptions
        {
            Engine = SocketEngines.Choose(options.Engine, nameof(TcpListenOptions)),
            ReusePort = options.ReusePort,
            Backlog = options.Backlog,
            KeepAlive = options.KeepAlive,
            UserTimeout = TcpLiveness.Check(options.UserTimeout, nameof(TcpListenOptions)),
        };
    }

    private static void CheckBacklog(int backlog, string options)
    {
        if (backlog < 1)
        {
            throw new OptionsException(options + ".Backlog", $"{backlog} is out of range; type a number from 1 up");
        }
    }

    private static int CheckPort(int port)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(port);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, IPEndPoint.MaxPort);
        return port;
    }
}
