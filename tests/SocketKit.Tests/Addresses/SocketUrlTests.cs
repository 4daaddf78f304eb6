using System.Net;

namespace SocketKit.Tests.Addresses;

/// <summary>Addresses as text, for <see cref="Listen.Url"/> and <see cref="Dial.Url"/>.</summary>
public class SocketUrlTests
{
    [Theory]
    [InlineData("tcp://127.0.0.1:9000", "127.0.0.1:9000")]
    [InlineData("TCP://127.0.0.1:9000/", "127.0.0.1:9000")]
    [InlineData("tcp://0.0.0.0:0", "0.0.0.0:0")]
    [InlineData("tcp://[::1]:9000", "[::1]:9000")]
    [InlineData("tcp://[::]:65535", "[::]:65535")]
    [InlineData("tcp://*:9000", "[::]:9000")]
    [InlineData("tcp://127.0.0.1:9000?backlog=16&engine=sockets", "127.0.0.1:9000")]
    [InlineData("tcp://127.0.0.1:9000?engine=auto&reuseport=false", "127.0.0.1:9000")]
    [InlineData("tcp://[fe80::1%251]:9000", "[fe80::1%1]:9000")]
    [InlineData("tcp://[fe80::1%1]:9000", "[fe80::1%1]:9000")]
    public void Listen_takes_TCP_addresses(string url, string expected)
    {
        Listen.Url(url).EndPoint.Should().Be(IPEndPoint.Parse(expected));
    }

    [Theory]
    [InlineData("tcp://localhost:9000", "localhost")]
    [InlineData("tcp://gateway-7.example.test:9000", "gateway-7.example.test")]
    public void Listen_takes_names(string url, string host)
    {
        Listen.Url(url).EndPoint.Should().Be(new DnsEndPoint(host, 9000));
    }

    [Theory]
    [InlineData("unix:///run/my.sock", "/run/my.sock")]
    [InlineData("unix:///run/my%20own%3f%23.sock", "/run/my own?#.sock")]
    [InlineData("unix:///run/%E4%BD%A0.sock", "/run/你.sock")]
    [InlineData("unix:///run/你%20😀.sock", "/run/你 😀.sock")]
    [InlineData("unix:///run/my.sock?mode=660&backlog=16&engine=sockets", "/run/my.sock")]
    [InlineData("unix:///run/a=b&c:d@e.sock", "/run/a=b&c:d@e.sock")]
    public void Listen_takes_Unix_paths(string url, string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            Listen.Url(url).EndPoint.Should().Be(new UnixEndPoint(path));
        }
    }

    [Fact]
    public void Abstract_names_are_Linuxs()
    {
        if (OperatingSystem.IsLinux())
        {
            Listen.Url("unix://@my").EndPoint.Should().Be(new UnixEndPoint("@my"));
            Dial.Url("unix://@my").ToString().Should().Be("unix://@my");
        }
        else
        {
            FluentActions.Invoking(() => Listen.Url("unix://@my")).Should().Throw<PlatformNotSupportedException>();
        }
    }

    [Theory]
    [InlineData("tcp://127.0.0.1:9000", "tcp://127.0.0.1:9000")]
    [InlineData("tcp://[::1]:9000?engine=sockets", "tcp://[::1]:9000")]
    [InlineData("tcp://example.test:9000", "tcp://example.test:9000")]
    [InlineData("unix:///run/my.sock", "unix:///run/my.sock")]
    public void Dial_takes_the_same_addresses(string url, string expected)
    {
        Dial.Url(url).ToString().Should().Be(expected);
    }

    [Theory]
    [InlineData("9000", "no scheme", "tcp://127.0.0.1:9000", "unix:///run/my.sock")]
    [InlineData("127.0.0.1:9000", "no scheme")]
    [InlineData("://127.0.0.1:9000", "no scheme")]
    [InlineData("http://127.0.0.1:9000", "no scheme http", "tcp://127.0.0.1:9000 or tls://127.0.0.1:9443?cert=full.pem&key=key.pem or unix:///run/my.sock")]
    [InlineData("tc://127.0.0.1:9000", "no scheme tc")]
    [InlineData("tcp:127.0.0.1:9000", "no scheme")]
    [InlineData("tcp://127.0.0.1", "port is missing", "tcp://127.0.0.1:9000")]
    [InlineData("tcp://127.0.0.1:", "port is missing")]
    [InlineData("tcp://[::1]", "port is missing")]
    [InlineData("tcp://", "port is missing")]
    [InlineData("tcp://:9000", "host is missing")]
    [InlineData("tcp://127.0.0.1:65536", "port is a number from 0 to 65535, not 65536")]
    [InlineData("tcp://127.0.0.1:-1", "port is a number")]
    [InlineData("tcp://127.0.0.1:+1", "port is a number")]
    [InlineData("tcp://127.0.0.1:http", "port is a number")]
    [InlineData("tcp://127.0.0.1: 9000", "port is a number")]
    [InlineData("tcp://::1:9000", "IPv6 address stands in brackets")]
    [InlineData("tcp://[127.0.0.1]:9000", "no IPv6 address")]
    [InlineData("tcp://[::1:9000", "IPv6 address stands in brackets")]
    [InlineData("tcp://[::g]:9000", "[::g] holds no IPv6 address")]
    [InlineData("tcp://256.0.0.1:9000", "256.0.0.1 is no IPv4 address")]
    [InlineData("tcp://127.1:9000", "127.1 is no IPv4 address")]
    [InlineData("tcp://010.0.0.1:9000", "010.0.0.1 is no IPv4 address")]
    [InlineData("tcp://9000:9000", "9000 is no IPv4 address")]
    [InlineData("tcp://two words:9000", "two words is no name of a host")]
    [InlineData("tcp://127.0.0.1:9000/path", "tcp://host:port")]
    [InlineData("tcp://user@127.0.0.1:9000", "name of a user")]
    [InlineData("tcp://127.0.0.1:9000#top", "%23")]
    [InlineData("tcp://127.0.0.1:9000?", "a parameter is not of the form name=value")]
    [InlineData("tcp://127.0.0.1:9000?backlog", "a parameter is not of the form name=value")]
    [InlineData("tcp://127.0.0.1:9000?backlog=", "the parameter backlog is not of the form name=value")]
    [InlineData("tcp://127.0.0.1:9000?=1", "name=value")]
    [InlineData("tcp://127.0.0.1:9000?backlog=1&backlog=2", "backlog is given twice")]
    [InlineData("tcp://127.0.0.1:9000?backlog=0", "backlog is a number from 1 up, not 0")]
    [InlineData("tcp://127.0.0.1:9000?backlog=many", "not many")]
    [InlineData("tcp://127.0.0.1:9000?engine=fast", "engine is auto, epoll or sockets, not fast")]
    [InlineData("tcp://127.0.0.1:9000?reuseport=yes", "reuseport is true or false, not yes")]
    [InlineData("tcp://127.0.0.1:9000?nodelay=true", "no parameter nodelay", "backlog, engine, reuseport")]
    [InlineData("tcp://127.0.0.1:9000?mode=660", "no parameter mode")]
    [InlineData("tcp://127.0.0.1:9000?cert=a.pem", "no parameter cert")]
    [InlineData("tls://127.0.0.1:9443", "tls needs a certificate", "?cert=full.pem&key=key.pem")]
    [InlineData("tls://127.0.0.1:9443?key=a.pem", "key stands beside cert")]
    [InlineData("tls://127.0.0.1:9443?ca=a.pem", "ca, for the certificates of clients, stands beside cert")]
    [InlineData("tls://127.0.0.1:9443?cert=a.pfx&key=a.pem", "the key is in a.pfx as well")]
    [InlineData("tls://127.0.0.1", "port is missing", "tls://127.0.0.1:9000")]
    [InlineData("unix://run/my.sock", "three of them", "unix:///run/my.sock")]
    [InlineData("unix://", "three of them")]
    [InlineData("unix:///", "three of them")]
    [InlineData("unix:///run/%zz", "two hexadecimal digits")]
    [InlineData("unix:///run/100%", "two hexadecimal digits")]
    [InlineData("unix:///run/%00", "00")]
    [InlineData("unix:///run/%ff", "no UTF-8")]
    [InlineData("unix:///run/my.sock?mode=rw", "mode is three octal digits, such as 660, not rw")]
    [InlineData("unix:///run/my.sock?mode=668", "not 668")]
    [InlineData("unix:///run/my.sock?mode=4660", "not 4660")]
    [InlineData("unix:///run/my.sock?reuseport=true", "no parameter reuseport", "backlog, engine, mode")]
    [InlineData("unix:///run/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789.sock", "has room for")]
    public void Listen_names_the_URL_and_says_what_is_allowed(string url, params string[] said)
    {
        var exception = FluentActions.Invoking(() => Listen.Url(url)).Should().Throw<ArgumentException>().WithParameterName(nameof(url)).Which;

        exception.Message.Should().StartWith($"\"{Shown(url)}\" is no address to listen on: ");
        exception.Message.Should().ContainAll(said);
    }

    [Theory, Trait("Fault", "X59")]
    [InlineData("tcp://127.0.0.1:9000?password=hunter2")]
    [InlineData("tls://127.0.0.1:9443?token=hunter2&key=a.key")]
    [InlineData("tcp://admin:hunter2@127.0.0.1:9000")]
    [InlineData("tcp://127.0.0.1:9000?=hunter2")]
    [InlineData("http://admin:hunter2@127.0.0.1:9000?password=hunter2")]
    [InlineData("admin:hunter2@127.0.0.1:9000")]
    [InlineData("tcp:/admin:hunter2@127.0.0.1:9000")]
    [InlineData("tcp://admin:hun?ter2hunter2@127.0.0.1:9000")]
    [InlineData("tcp://admin:hunter2%40127.0.0.1:9000")]
    [InlineData("tcp://127.0.0.1:9000?hunter2")]
    [InlineData("tcp://127.0.0.1:9000#hunter2")]
    [InlineData("tcp://127.0.0.1:9000/hunter2")]
    [InlineData("unix://user:hunter2@/run/my.sock")]
    [InlineData("tls://bob:hunter2")]
    [InlineData("tls://bob:hunter2\uff20127.0.0.1:9443")]
    [InlineData("tls://127.0.0.1:9443?cert=-----BEGIN hunter2-----")]
    public void What_may_be_a_secret_is_not_repeated(string url)
    {
        FluentActions.Invoking(() => Listen.Url(url)).Should().Throw<ArgumentException>().Which.Message.Should().NotContain("hunter2").And.Contain("...");
    }

    /// <summary>Without what may be a secret.</summary>
    private static string Shown(string url) => url.Replace("user@127.0.0.1:9000", "...", StringComparison.Ordinal).Replace("9000/path", "9000/...", StringComparison.Ordinal)
        .Replace(":-1", ":...", StringComparison.Ordinal).Replace(":+1", ":...", StringComparison.Ordinal).Replace(":http", ":...", StringComparison.Ordinal).Replace(": 9000", ":...", StringComparison.Ordinal)
        .Replace("#top", "#...", StringComparison.Ordinal).Replace("9000?", "9000?...", StringComparison.Ordinal).Replace("?...backlog", "?backlog", StringComparison.Ordinal)
        .Replace("?...engine", "?engine", StringComparison.Ordinal).Replace("?...reuseport", "?reuseport", StringComparison.Ordinal).Replace("?...mode", "?mode", StringComparison.Ordinal)
        .Replace("?...cert", "?cert", StringComparison.Ordinal).Replace("?...nodelay=true", "?nodelay=...", StringComparison.Ordinal).Replace("?...=1", "?=...", StringComparison.Ordinal);

    [Theory]
    [InlineData("tcp://127.0.0.1:0", "port is a number from 1 to 65535, not 0")]
    [InlineData("tcp://*:9000", "only for listening")]
    [InlineData("tcp://127.0.0.1:9000?backlog=1", "no parameter backlog", "there are engine")]
    [InlineData("unix:///run/my.sock?mode=600", "no parameter mode")]
    [InlineData("udp://127.0.0.1:1", "no scheme udp")]
    [InlineData("tls://localhost:9443?backlog=1", "no parameter backlog", "there are engine, ca, name, cert, key")]
    [InlineData("tls://localhost:9443?key=a.pem", "key stands beside cert")]
    public void Dial_names_the_URL_and_says_what_is_allowed(string url, params string[] said)
    {
        var exception = FluentActions.Invoking(() => Dial.Url(url)).Should().Throw<ArgumentException>().WithParameterName(nameof(url)).Which;

        exception.Message.Should().StartWith($"\"{url}\" is no address to dial: ");
        exception.Message.Should().ContainAll(said);
    }

    [Fact]
    public void No_URL_at_all_is_told()
    {
        FluentActions.Invoking(() => Listen.Url(null!)).Should().Throw<ArgumentNullException>().WithParameterName("url");
        FluentActions.Invoking(() => Listen.Url(" ")).Should().Throw<ArgumentException>().WithParameterName("url");
        FluentActions.Invoking(() => Dial.Url("")).Should().Throw<ArgumentException>().WithParameterName("url").WithMessage("There is no address to *; type tcp://*");
    }
}
