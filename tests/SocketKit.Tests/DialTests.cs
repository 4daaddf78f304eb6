using System.Net;

namespace SocketKit.Tests;

public class DialTests
{
    [Fact]
    public void Tcp_names_the_address()
    {
        Dial.Tcp("example.test", 9000).ToString().Should().Be("tcp://example.test:9000");
        Dial.Tcp("127.0.0.1", 9000).ToString().Should().Be("tcp://127.0.0.1:9000");
        Dial.Tcp("::1", 9000).ToString().Should().Be("tcp://[::1]:9000");
        Dial.Tcp(new IPEndPoint(IPAddress.Loopback, 9000)).ToString().Should().Be("tcp://127.0.0.1:9000");
        Dial.Tcp(new DnsEndPoint("example.test", 9000)).ToString().Should().Be("tcp://example.test:9000");
    }

    [Fact]
    public void Unix_names_the_address()
    {
        Dial.Unix("/run/my.sock").ToString().Should().Be("unix:///run/my.sock");
        FluentActions.Invoking(() => Dial.Unix("")).Should().Throw<ArgumentException>().WithParameterName("path");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(65536)]
    public void Tcp_says_which_argument_is_wrong_when_the_port_is(int port)
    {
        FluentActions.Invoking(() => Dial.Tcp("localhost", port)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName(nameof(port));
    }

    [Fact]
    public void Tcp_says_which_argument_is_wrong_or_missing()
    {
        FluentActions.Invoking(() => Dial.Tcp(null!, 1)).Should().Throw<ArgumentNullException>().WithParameterName("host");
        FluentActions.Invoking(() => Dial.Tcp("", 1)).Should().Throw<ArgumentException>().WithParameterName("host");
        FluentActions.Invoking(() => Dial.Tcp((IPEndPoint)null!)).Should().Throw<ArgumentNullException>().WithParameterName("endPoint");
        FluentActions.Invoking(() => Dial.Tcp((DnsEndPoint)null!)).Should().Throw<ArgumentNullException>().WithParameterName("endPoint");
        FluentActions.Invoking(() => Dial.Tcp(new IPEndPoint(IPAddress.Loopback, 0))).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("endPoint");
        FluentActions.Invoking(() => Dial.Tcp(new DnsEndPoint("localhost", 0))).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("endPoint");
    }
}
