using SocketKit.Tests.Transports.Tls;

namespace SocketKit.Tests.Transports;

/// <summary>What wires ask of their peers, as they tell it.</summary>
[Trait("Fault", "X56")]
public class WireProtectionTests
{
    private const WireProtection Judged = WireProtection.Confidential | WireProtection.ValidatesCertificate | WireProtection.OwnAuthorities;

    private readonly InMemoryNetwork _network = new();

    public static TheoryData<Action<TlsListenOptions>, WireProtection> OfListeners => new()
    {
        { _ => { }, WireProtection.Confidential },
        { options => options.ClientCertificateMode = ClientCertificateMode.Allowed, Judged },
        { options => options.ClientCertificateMode = ClientCertificateMode.Required, Judged | WireProtection.RequiresCertificate },
        {
            options =>
            {
                options.ClientCertificateMode = ClientCertificateMode.Required;
                options.CheckRevocation = true;
                options.ClientAuthorities.Clear();
                options.AcceptPeer = _ => true;
            },
            WireProtection.Confidential | WireProtection.ValidatesCertificate | WireProtection.RequiresCertificate | WireProtection.ChecksRevocation | WireProtection.ChecksPeers
        },
    };

    public static TheoryData<Action<TlsDialOptions>, WireProtection> OfDialers => new()
    {
        { _ => { }, Judged | WireProtection.RequiresCertificate },
        { options => options.Authorities.Clear(), WireProtection.Confidential | WireProtection.ValidatesCertificate | WireProtection.RequiresCertificate },
        { options => options.CheckRevocation = true, Judged | WireProtection.RequiresCertificate | WireProtection.ChecksRevocation },
        {
            options =>
            {
                options.Authorities.Clear();
                options.DangerousAcceptAnyCertificate = true;
            },
            WireProtection.None
        },
    };

    [Theory]
    [MemberData(nameof(OfListeners))]
    public void A_TLS_listener_tells_what_clients_must_show(Action<TlsListenOptions> configure, WireProtection expected) =>
        Listen.Tls("127.0.0.1", 0, TestAuthority.Shared.ListenOptions(configure)).Protection.Should().Be(expected);

    [Theory]
    [MemberData(nameof(OfDialers))]
    public void A_TLS_dialer_tells_what_servers_must_show(Action<TlsDialOptions> configure, WireProtection expected) =>
        Dial.Tls("127.0.0.1", 9000, TestAuthority.Shared.DialOptions(configure)).Protection.Should().Be(expected);

    [Fact]
    public void Other_wires_tell_if_they_leave_the_machine()
    {
        Listen.Tcp(0).Protection.Should().Be(WireProtection.None);
        Dial.Tcp("127.0.0.1", 9000).Protection.Should().Be(WireProtection.None);
        _network.Listen("server").Protection.Should().Be(WireProtection.Confidential);
        _network.Dial("server").Protection.Should().Be(WireProtection.Confidential);
        Dial.Unix("/run/x.sock").Protection.Should().Be(WireProtection.Confidential);
        Listen.Unix("@name").Protection.Should().Be(WireProtection.Confidential);
        Listen.Tls(Listen.Unix("@name"), TestAuthority.Shared.ListenOptions()).Protection.Should().Be(WireProtection.Confidential);
    }

    [Fact]
    public void A_Unix_socket_tells_if_its_permissions_keep_anybody_out()
    {
        if (OperatingSystem.IsWindows())
        {
            Listen.Unix("x.sock").Protection.Should().Be(WireProtection.Confidential);
            return;
        }

        const WireProtection Limited = WireProtection.Confidential | WireProtection.LimitsUsers;
        Listen.Unix("/run/x.sock").Protection.Should().Be(Limited);
        Listen.Unix("/run/x.sock", Mode(0x1B0)).Protection.Should().Be(Limited);
        Listen.Unix("/run/x.sock", Mode(0x1B6)).Protection.Should().Be(WireProtection.Confidential);
        Listen.Tls(Listen.Unix("/run/x.sock"), TestAuthority.Shared.ListenOptions()).Protection.Should().Be(Limited);

        static UnixListenOptions Mode(int mode) => new() { Permissions = (UnixFileMode)mode };
    }
}
