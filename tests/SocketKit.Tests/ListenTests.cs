using System.Net;

namespace SocketKit.Tests;

public class ListenTests
{
    [Fact]
    public void Tcp_names_the_address_before_it_is_taken()
    {
        Listen.Tcp(9000).EndPoint.Should().Be(new IPEndPoint(IPAddress.IPv6Any, 9000));
        Listen.Tcp("127.0.0.1", 9000).EndPoint.Should().Be(new IPEndPoint(IPAddress.Loopback, 9000));
        Listen.Tcp("::1", 9000).EndPoint.Should().Be(new IPEndPoint(IPAddress.IPv6Loopback, 9000));
        Listen.Tcp("localhost", 9000).EndPoint.Should().Be(new DnsEndPoint("localhost", 9000));
        Listen.Tcp(new IPEndPoint(IPAddress.Any, 0)).EndPoint.Should().Be(new IPEndPoint(IPAddress.Any, 0));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(65536)]
    public void Tcp_says_which_argument_is_wrong_when_the_port_is(int port)
    {
        FluentActions.Invoking(() => Listen.Tcp(port)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName(nameof(port));
        FluentActions.Invoking(() => Listen.Tcp("localhost", port)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName(nameof(port));
    }

    [Fact]
    public void Tcp_says_which_argument_is_missing()
    {
        FluentActions.Invoking(() => Listen.Tcp(null!, 1)).Should().Throw<ArgumentNullException>().WithParameterName("host");
        FluentActions.Invoking(() => Listen.Tcp(" ", 1)).Should().Throw<ArgumentException>().WithParameterName("host");
        FluentActions.Invoking(() => Listen.Tcp(null!)).Should().Throw<ArgumentNullException>().WithParameterName("endPoint");
    }

    [Fact]
    public void Tcp_keeps_a_copy_of_the_address()
    {
        var endPoint = new IPEndPoint(IPAddress.Loopback, 9000);
        var listener = Listen.Tcp(endPoint);

        endPoint.Port = 1;

        listener.EndPoint.Should().Be(new IPEndPoint(IPAddress.Loopback, 9000));
    }
}
