using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>Keys in files that other users can read or write.</summary>
[Trait("Fault", "X59")]
[UnsupportedOSPlatform("windows")]
public sealed partial class SharedKeyTests : IDisposable
{
    private const int Shared = 56;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("socketkit-keys-");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly FakeLogCollector _logs = new();

    private string CertificateFile => Path.Combine(_folder.FullName, "tls.crt");

    private string KeyFile => Path.Combine(_folder.FullName, "tls.key");

    public void Dispose() => _folder.Delete(recursive: true);

    [LinuxTheory]
    [InlineData("600", false)]
    [InlineData("400", false)]
    [InlineData("640", false)]
    [InlineData("644", true)]
    [InlineData("604", true)]
    [InlineData("602", true)]
    [InlineData("660", true)]
    public async Task A_start_warns_of_a_key_that_others_can_read_or_write(string mode, bool warns)
    {
        var certificate = Lay(mode);
        await using var server = await TlsServer.StartAsync(options => options.Certificate = certificate);
        using (var peer = await TlsPeer.ConnectAsync(server.EndPoint))
        {
            await peer.EchoAsync("hello");
        }

        var warnings = server.Logs.GetSnapshot().Where(record => record.Id.Id == Shared).Select(record => (record.Level, record.Message));
        warnings.Should().Equal(warns
            ? [(LogLevel.Warning, $"Other users can read or write the key in {KeyFile} (mode {mode}: type chmod 600, or 640 for a group). At a start, RefuseSharedKey refuses such a key")]
            : []);

        var refused = () => TlsServer.StartAsync(options => (options.Certificate, options.RefuseSharedKey) = (Lay(mode), true));
        if (warns)
        {
            (await refused.Should().ThrowAsync<OptionsException>()).Which.Message.Should().ContainAll("TlsListenOptions.RefuseSharedKey", KeyFile, $"(mode {mode}: type chmod 600");
        }
        else
        {
            await (await refused.Should().NotThrowAsync()).Subject.DisposeAsync();
        }
    }

    [LinuxFact]
    public async Task A_client_is_warned_of_its_own_key_once()
    {
        var certificate = Lay("644");
        await using var server = await TlsServer.StartAsync(options => options.ClientCertificateMode = ClientCertificateMode.Required);
        var refused = () => Dial.Tls("localhost", 9, new TlsDialOptions { Certificate = certificate, RefuseSharedKey = true });
        refused.Should().Throw<OptionsException>().WithMessage("TlsDialOptions.RefuseSharedKey: *");

        await using var client = await TlsServer.ConnectAsync(server, options => options.Certificate = certificate, options => options.LoggerFactory = new TestServer.CollectingLoggerFactory(_logs));
        await client.DisconnectAsync();
        await client.ConnectAsync().WaitAsync(TestServer.Patience);

        _logs.GetSnapshot().Where(record => record.Id.Id == Shared).Should().ContainSingle();
    }

    [LinuxFact]
    public void A_new_key_that_others_can_read_is_told_or_not_taken()
    {
        var certificate = Lay("600");
        var first = certificate.Certificate.Thumbprint;
        certificate.Use(new() { Logger = new FakeLogger(_logs), TimeProvider = _time });
        Lay("644");
        Look(certificate).Should().NotBe(first);
        Told().Should().Equal(Shared);

        Lay("600");
        var last = Look(certificate);
        certificate.RefuseSharedKey().Should().BeNull();
        Lay("644");
        Look(certificate).Should().Be(last, "others can read the new one");
        Look(certificate).Should().Be(last);
        _logs.GetSnapshot().Where(record => record.Level == LogLevel.Error).Should().ContainSingle().Which.Exception!.Message.Should().Contain("(mode 644: ");
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead);
        Look(certificate).Should().NotBe(last, "now nobody else can");

        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        last = Look(certificate);
        Told().Should().Equal(Shared, Shared);
        Look(certificate).Should().Be(last);
        Told().Should().Equal(Shared, Shared);
    }

    [LinuxFact]
    public void A_key_that_belongs_to_somebody_else_is_shared_whatever_its_mode()
    {
        const uint SomebodyElse = 4711;
        Lay("600");
        if (ChangeOwner(KeyFile, SomebodyElse, SomebodyElse) != 0)
        {
            // Only root can give a file away.
            return;
        }

        var certificate = TlsCertificate.FromPem(CertificateFile, KeyFile);
        var refused = () => Listen.Tls(0, new TlsListenOptions { Certificate = certificate, RefuseSharedKey = true });
        refused.Should().Throw<OptionsException>().Which.Message.Should().Contain("(user 4711 owns it: type chown)");
    }

    [LinuxFact]
    public void Authorities_that_others_can_write_are_refused_with_the_key()
    {
        Lay("600");
        File.WriteAllText(CertificateFile, TestAuthority.Shared.Root.ExportCertificatePem());
        var url = $"tls://127.0.0.1:9?ca={CertificateFile}";
        File.SetUnixFileMode(CertificateFile, (UnixFileMode)0x1B4);
        FluentActions.Invoking(() => Dial.Url(url)).Should().NotThrow();
        FluentActions.Invoking(() => Dial.Url(url, new TlsDialOptions { RefuseSharedKey = true })).Should().Throw<TlsCertificateException>().WithMessage("*tls.crt*(mode 664: *");
        File.SetUnixFileMode(CertificateFile, (UnixFileMode)0x1A4);
        FluentActions.Invoking(() => Dial.Url(url, new TlsDialOptions { RefuseSharedKey = true })).Should().NotThrow("to read them does no harm");
    }

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    private TlsCertificate Lay(string mode)
    {
        using var issued = TestAuthority.Shared.Issue();
        var (certificate, key) = TestAuthority.Pem(issued);
        File.Delete(KeyFile);
        File.WriteAllText(CertificateFile, certificate);
        File.WriteAllText(KeyFile, key);
        File.SetUnixFileMode(KeyFile, (UnixFileMode)Convert.ToInt32(mode, 8));
        return TlsCertificate.FromPem(CertificateFile, KeyFile);
    }

    private string Look(TlsCertificate certificate)
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        return certificate.Certificate.Thumbprint;
    }

    private IEnumerable<int> Told() => _logs.GetSnapshot().Select(record => record.Id.Id).Where(id => id == Shared);
}
