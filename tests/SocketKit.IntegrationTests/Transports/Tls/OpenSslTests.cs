using System.Diagnostics;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>A peer of another make: the command <c>openssl s_client</c>.</summary>
public sealed class OpenSslTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("socketkit-tls-");

    public void Dispose() => _folder.Delete(recursive: true);

    [OpenSslTheory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task It_gets_the_replies(string version)
    {
        await using var server = await TlsServer.StartAsync(configure: options => options.Handler = Handler.Reply(new GuessThanksSorryOkReplies()));

        var (text, code) = await RunAsync(server, "1\n2\n3\n4\n", [version, "-quiet", "-no_ign_eof", "-verify_return_error", "-CAfile", Root()]);

        text.Should().Contain("你猜!\n谢谢!\n对不起!\n好的!\n");
        code.Should().Be(0);
    }

    [OpenSslTheory]
    [Trait("Fault", "T04")]
    [InlineData("-tls1")]
    [InlineData("-tls1_1")]
    public async Task Old_versions_are_refused(string version)
    {
        await using var server = await TlsServer.StartAsync();

        var (text, code) = await RunAsync(server, "hello\n", [version, "-cipher", "ALL:@SECLEVEL=0", "-CAfile", Root()]);

        text.Should().Contain("alert protocol version").And.NotContain("hello");
        code.Should().NotBe(0);
        server.Waiting.Should().Be(0);
    }

    [OpenSslTheory]
    [Trait("Fault", "T04")]
    [InlineData("-tls1_2")]
    public async Task Renegotiation_is_refused(string version)
    {
        await using var server = await TlsServer.StartAsync();

        // The line R asks for it.
        var (text, code) = await RunAsync(server, "hello\nR\nafter\n", [version, "-CAfile", Root()]);

        text.Should().Contain("RENEGOTIATING");
        text.Split('\n').Should().Contain("hello").And.NotContain("after");
        code.Should().NotBe(0);
        (await (await server.OpenedAsync()).ClosedAsync()).Kind.Should().Be(CloseKind.TransportFailed);
    }

    private string Root()
    {
        var path = Path.Combine(_folder.FullName, "root.pem");
        File.WriteAllText(path, TestAuthority.Shared.Root.ExportCertificatePem());
        return path;
    }

    /// <summary>Runs the client, gives it the lines one after the other, and tells all that it says.</summary>
    private static async Task<(string Text, int Code)> RunAsync(TestServer server, string input, string[] arguments)
    {
        var start = new ProcessStartInfo("openssl", ["s_client", "-connect", $"{server.EndPoint}", "-servername", "localhost", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = System.Text.Encoding.UTF8,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            foreach (var line in input.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                await process.StandardInput.WriteAsync(line + "\n");
                await process.StandardInput.FlushAsync();

                // It takes a line that is alone in a read as a command, and stops reading replies when its input ends.
                await Task.Delay(500);
            }

            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already, as it must when it is refused.
        }

        await process.WaitForExitAsync().WaitAsync(TestServer.Patience);
        return (await output + await error, process.ExitCode);
    }
}

/// <summary>A theory that needs the command <c>openssl</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OpenSslTheoryAttribute : TheoryAttribute
{
    public OpenSslTheoryAttribute()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/openssl"))
        {
            Skip = "There is no openssl here";
        }
    }
}
