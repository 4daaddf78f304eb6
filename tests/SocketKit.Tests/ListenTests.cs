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
    public void Unix_names_the_address_before_it_is_taken()
    {
        Listen.Unix("/run/my.sock").EndPoint.Should().Be(new UnixEndPoint("/run/my.sock"));
        Listen.Unix("my.sock").EndPoint.Should().Be(new UnixEndPoint("my.sock"));
        if (OperatingSystem.IsLinux())
        {
            Listen.Unix("@my").EndPoint.Should().Be(new UnixEndPoint("@my"));
            Listen.Unix("\0my").EndPoint.Should().Be(new UnixEndPoint("@my"), "this is how .NET writes it");
        }
        else
        {
            FluentActions.Invoking(() => Listen.Unix("@my")).Should().Throw<PlatformNotSupportedException>().WithMessage("*@my*Linux*");
        }
    }

    [Fact]
    public void Unix_says_which_path_is_wrong_and_why()
    {
        FluentActions.Invoking(() => Listen.Unix(null!)).Should().Throw<ArgumentNullException>().WithParameterName("path");
        FluentActions.Invoking(() => Listen.Unix("")).Should().Throw<ArgumentException>().WithParameterName("path");
        FluentActions.Invoking(() => Listen.Unix("/run/a\0b")).Should().Throw<ArgumentException>().WithParameterName("path").WithMessage("*a\\0b*");
        if (OperatingSystem.IsLinux())
        {
            FluentActions.Invoking(() => Listen.Unix("@")).Should().Throw<ArgumentException>().WithParameterName("path");
        }
    }

    [Fact]
    public void Unix_takes_a_path_of_as_many_bytes_as_the_system_has_room_for_and_says_how_many_there_are()
    {
        var most = OperatingSystem.IsMacOS() ? 103 : 107;
        var longest = "/" + new string('x', most - 1);

        Listen.Unix(longest).EndPoint.Should().Be(new UnixEndPoint(longest));
        FluentActions.Invoking(() => Listen.Unix(longest + "x")).Should().Throw<ArgumentException>().WithParameterName("path").WithMessage($"*{most} bytes*{longest}x*{most + 1}*");
        FluentActions.Invoking(() => Dial.Unix(longest[..^1] + "é")).Should().Throw<ArgumentException>().WithParameterName("path").WithMessage($"*{most + 1}*", "it is bytes that count");
    }

    [Fact]
    public void Unix_says_which_option_is_wrong()
    {
        FluentActions.Invoking(() => Listen.Unix("s", new UnixListenOptions { Backlog = 0 })).Should().Throw<OptionsException>().Which.Option.Should().Be("UnixListenOptions.Backlog");
        FluentActions.Invoking(() => Listen.Unix("s", new UnixListenOptions { Permissions = UnixFileMode.SetUser })).Should().Throw<OptionsException>().Which.Option.Should().Be("UnixListenOptions.Permissions");
        FluentActions.Invoking(() => Listen.Unix("s", new UnixListenOptions { Engine = (SocketEngine)9 })).Should().Throw<OptionsException>().Which.Option.Should().Be("UnixListenOptions.Engine");
        FluentActions.Invoking(() => Dial.Unix("s", new UnixDialOptions { Engine = (SocketEngine)9 })).Should().Throw<OptionsException>().Which.Option.Should().Be("UnixDialOptions.Engine");
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
