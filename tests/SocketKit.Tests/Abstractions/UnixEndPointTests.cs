using System.Net;
using System.Net.Sockets;

namespace SocketKit.Tests.Abstractions;

public class UnixEndPointTests
{
    private static readonly UnixCredentials Somebody = new(4711, 1000, 100);

    [Fact]
    public void It_shows_its_name_or_else_who_holds_it()
    {
        new UnixEndPoint("/run/my.sock", Somebody).ToString().Should().Be("/run/my.sock");
        new UnixEndPoint(null, Somebody).ToString().Should().Be("process 4711 of user 1000");
        new UnixEndPoint(null).ToString().Should().Be("unnamed");
    }

    [Theory, Trait("Fault", "X50")]
    [InlineData("process 1 of user 0", "process 4711 of user 1000, named \"process 1 of user 0\"")]
    [InlineData("127.0.0.1:5000", "process 4711 of user 1000, named \"127.0.0.1:5000\"")]
    [InlineData("a\", named \\", "process 4711 of user 1000, named \"a\\u0022, named \\\\\"")]
    public void A_name_that_a_peer_has_chosen_stands_in_quotes_behind_who_it_is(string name, string shown)
    {
        UnixEndPoint.OfPeer(name, Somebody).ToString().Should().Be(shown);
    }

    [Fact]
    public void Two_are_equal_when_all_of_them_is()
    {
        new UnixEndPoint("/a", Somebody).Should().Be(new UnixEndPoint("/a", Somebody));
        new UnixEndPoint("/a", Somebody).GetHashCode().Should().Be(new UnixEndPoint("/a", Somebody).GetHashCode());
        new UnixEndPoint("/a", Somebody).Should().NotBe(new UnixEndPoint("/b", Somebody));
        new UnixEndPoint("/a", Somebody).Should().NotBe(new UnixEndPoint("/a"));
        new UnixEndPoint("/a", Somebody).Should().NotBe(new UnixEndPoint("/a", Somebody with { UserId = 0 }));
    }

    [Fact]
    public void It_can_be_dialled_by_other_sockets()
    {
        foreach (var path in OperatingSystem.IsLinux() ? new[] { "/run/my.sock", "/run/你.sock", "@my" } : ["/run/my.sock"])
        {
            var endPoint = new UnixEndPoint(path);

            var address = endPoint.Serialize();

            endPoint.AddressFamily.Should().Be(AddressFamily.Unix);
            address.Family.Should().Be(AddressFamily.Unix);
            endPoint.Create(address).Should().Be(endPoint);
            address.Should().Be(new UnixDomainSocketEndPoint(path.Replace('@', '\0')).Serialize());
        }
    }

    [Fact]
    public void An_end_without_a_name_stays_one()
    {
        var endPoint = new UnixEndPoint(null);

        endPoint.Create(endPoint.Serialize()).Should().Be(endPoint);
    }

    [Fact]
    public void Another_familys_address_is_refused()
    {
        FluentActions.Invoking(() => new UnixEndPoint("/a").Create(new IPEndPoint(IPAddress.Loopback, 1).Serialize())).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Every_byte_of_an_abstract_name_counts()
    {
        UnixEndPoint.ReadPath([1, 0, 0, (byte)'a', 0, (byte)'b']).Should().Be("@a\0b");
        UnixEndPoint.ReadPath([1, 0, (byte)'a', 0, (byte)'b']).Should().Be("a");
        UnixEndPoint.ReadPath([1, 0]).Should().BeNull();
        UnixEndPoint.ReadPath([1, 0, 0]).Should().BeNull();
    }
}
