using Microsoft.Extensions.Logging;
using SocketKit.Hosting.Settings;
using SocketKit.Hosting.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Settings;

/// <summary>Configuration that replaces the program's addresses by some that ask for less.</summary>
[Trait("Fault", "X56")]
public class WeakeningTests
{
    private const WireProtection Tls = WireProtection.Confidential;
    private const WireProtection Mutual = WireProtection.Confidential | WireProtection.ValidatesCertificate | WireProtection.RequiresCertificate | WireProtection.OwnAuthorities;

    public static TheoryData<WireProtection[], WireProtection[], string?> Replacements => new()
    {
        { [], [WireProtection.None], null },
        { [Tls], [], null },
        { [Tls], [Tls], null },
        { [WireProtection.None], [Tls], null },
        { [Tls], [Mutual], null },
        { [Tls], [WireProtection.None], "encryption" },
        { [Tls], [Tls, WireProtection.None], "encryption" },
        { [Tls, WireProtection.None], [Tls], null },
        { [Tls, WireProtection.None], [WireProtection.None, Tls], null },
        { [Tls, WireProtection.None], [WireProtection.None], "encryption" },
        { [Mutual, Tls], [Tls], "a look at the peer's certificate, a certificate of every peer, authorities of its own" },
        { [Mutual | WireProtection.ChecksRevocation | WireProtection.ChecksPeers], [Mutual], "revocation, AcceptPeer" },
        { [Tls | WireProtection.LimitsUsers], [Tls], "permissions" },
        { [Tls, Tls | WireProtection.LimitsUsers], [Tls], null },
    };

    [Theory]
    [MemberData(nameof(Replacements))]
    public void What_is_missing_is_told_by_its_parts(WireProtection[] program, WireProtection[] configured, string? missing) =>
        Weakening.Of(program, configured).Should().Be(missing);

    [Fact]
    public void Each_part_has_a_text()
    {
        foreach (var part in Enum.GetValues<WireProtection>().Where(part => part != WireProtection.None))
        {
            Weakening.Of([part], [WireProtection.None]).Should().NotBeNullOrEmpty();
        }
    }

    [Fact]
    public async Task A_server_that_configuration_makes_plain_says_so_when_it_starts()
    {
        await using var host = new HostBed();
        host.Services.AddSocketServer("gate", options =>
        {
            options.Listeners.Add(Listen.Tls("127.0.0.1", 0, new TlsListenOptions { Certificate = TlsCertificate.CreateDevelopment() }));
            options.Framer = Framers.Lines();
        }).UseReplies(new GuessThanksSorryOkReplies());
        host.Configuration["SocketKit:Servers:gate:Listen"] = "tcp://127.0.0.1:0";

        await host.StartAsync();

        var line = host.OwnLogs.Should().ContainSingle().Subject;
        (line.Level, line.Id.Id).Should().Be((LogLevel.Warning, 87));
        line.Message.Should().Be("SocketKit:Servers:gate:Listen asks less of connections than the program: it leaves out encryption");
    }

    [Fact]
    public async Task A_client_that_configuration_makes_plain_says_so_when_it_starts()
    {
        await using var host = new HostBed();
        host.AddServer("server").UseReplies(new GuessThanksSorryOkReplies());
        host.Services.AddSocketClient("caller", options =>
        {
            options.Dialer = Dial.Tls("127.0.0.1", 9, new TlsDialOptions());
            options.Framer = Framers.Lines();
        });
        host.Configuration["SocketKit:Clients:caller:Connect"] = "tcp://127.0.0.1:9";

        await host.StartAsync();

        var line = host.OwnLogs.Where(record => record.Level == LogLevel.Warning).Should().ContainSingle().Subject;
        line.Id.Id.Should().Be(87);
        line.Message.Should().StartWith("SocketKit:Clients:caller:Connect asks less of").And.EndWith("encryption, a look at the peer's certificate, a certificate of every peer");
    }

    [Theory]
    [InlineData("tls", "tls")]
    [InlineData("tcp", "tls")]
    [InlineData("tcp", "tcp")]
    public async Task Otherwise_nothing_is_said(string program, string configured)
    {
        await using var host = new HostBed();
        host.Services.AddSocketServer("gate", options =>
        {
            options.Listeners.Add(program == "tcp" ? Listen.Tcp("127.0.0.1", 0) : Listen.Tls("127.0.0.1", 0, new TlsListenOptions { Certificate = TlsCertificate.CreateDevelopment() }));
            options.Framer = Framers.Lines();
        }).UseReplies(new GuessThanksSorryOkReplies());
        host.Configuration["SocketKit:Servers:gate:Listen"] = configured == "tcp" ? "tcp://127.0.0.1:0" : $"tls://127.0.0.1:0?cert={Certificate()}";

        await host.StartAsync();

        host.OwnLogs.Should().BeEmpty();
    }

    private static string Certificate()
    {
        var folder = Directory.CreateTempSubdirectory("socketkit-hosting-");
        var file = Path.Combine(folder.FullName, "own.pfx");
        File.WriteAllBytes(file, TlsCertificate.CreateDevelopment().Certificate.Export(System.Security.Cryptography.X509Certificates.X509ContentType.Pkcs12));
        return file;
    }
}
