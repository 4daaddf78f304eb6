using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>What lies where a certificate should.</summary>
[Trait("Fault", "X57")]
public sealed partial class CertificateContentsTests : IDisposable
{
    private const uint OwnerOnly = 0x180;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("socketkit-tls-");

    private string Odd => Path.Combine(_folder.FullName, "odd.pem");

    public void Dispose() => _folder.Delete(recursive: true);

    [LinuxTheory]
    [InlineData("pipe", "no regular file")]
    [InlineData("folder", "a folder")]
    [InlineData("large", "2097152 bytes")]
    [InlineData("nothing", "Could not find")]
    public void What_is_no_file_of_a_certificates_size_is_refused_and_nobody_waits(string kind, string said)
    {
        switch (kind)
        {
            case "pipe":
                MakePipe(Odd, OwnerOnly).Should().Be(0);
                break;
            case "folder":
                Directory.CreateDirectory(Odd);
                break;
            case "large":
                File.WriteAllBytes(Odd, new byte[2 * 1024 * 1024]);
                break;
            default:
                break;
        }

        FluentActions.Invoking(() => TlsCertificate.FromPem(Odd)).Should().Throw<TlsCertificateException>().WithMessage($"*odd.pem*{said}*");
        FluentActions.Invoking(() => TlsCertificate.FromPfx(Odd)).Should().Throw<TlsCertificateException>().WithMessage($"*odd.pem*{said}*");
        FluentActions.Invoking(() => Dial.Url($"tls://127.0.0.1:9?ca={Odd}")).Should().Throw<TlsCertificateException>().WithMessage($"*odd.pem*{said}*");
    }

    [LinuxFact]
    public void A_pipe_that_is_put_in_the_place_of_a_certificate_leaves_the_one_from_before_in_use()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var logs = new FakeLogCollector();
        using var issued = TestAuthority.Shared.Issue();
        var (certificate, key) = TestAuthority.Pem(issued);
        File.WriteAllText(Odd, key + "\n" + certificate);
        var loaded = TlsCertificate.FromPem(Odd);
        loaded.Use(new() { Logger = new FakeLogger(logs), TimeProvider = time });
        File.Delete(Odd);
        MakePipe(Odd, OwnerOnly).Should().Be(0);

        for (var i = 0; i < 3; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            loaded.Certificate.Thumbprint.Should().Be(issued.Thumbprint);
        }

        logs.GetSnapshot().Should().ContainSingle(record => record.Level == LogLevel.Error).Which.Exception!.Message.Should().Contain("no regular file");
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MakePipe(string path, uint mode);
}
