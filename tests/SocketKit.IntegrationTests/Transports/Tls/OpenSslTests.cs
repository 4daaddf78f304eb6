using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>A peer of another make: the command <c>openssl</c>, as a client and as a server.</summary>
public sealed class OpenSslTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("socketkit-tls-");

    public void Dispose() => _folder.Delete(recursive: true);

    [OpenSslTheory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task It_gets_the_replies(string version)
    {
        await using var server = await TlsServer.StartAsync(configure: options => options.HandlerFactory = Handlers.Reply(new GuessThanksSorryOkReplies()));

        var (text, code) = await RunAsync(server, [("1", "你猜!"), ("2", "谢谢!"), ("3", "对不起!"), ("4", "好的!")], [version, "-quiet", "-no_ign_eof", "-verify_return_error", "-CAfile", Root()]);

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

        var (text, code) = await RunAsync(server, [("hello", null)], [version, "-cipher", "ALL:@SECLEVEL=0", "-CAfile", Root()]);

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
        var (text, code) = await RunAsync(server, [("hello", "hello"), ("R", "RENEGOTIATING"), ("after", null)], [version, "-CAfile", Root()]);

        text.Should().Contain("RENEGOTIATING");
        text.Split('\n').Should().Contain("hello").And.NotContain("after");
        code.Should().NotBe(0);
        (await (await server.OpenedAsync()).ClosedAsync()).Kind.Should().Be(CloseKind.TransportFailed);
    }

    [OpenSslTheory]
    [Trait("Fault", "X41")]
    [InlineData("device 7")]
    public async Task A_server_may_ask_for_a_certificate_in_the_middle_which_the_read_answers(string name)
    {
        var (crtFile, keyFile) = Lay(TestAuthority.Shared.Issue());
        using var process = Start(["s_server", "-accept", "127.0.0.1:0", "-cert", crtFile, "-key", keyFile, "-tls1_3", "-CAfile", Root(), "-verify", "1"], out var output);
        try
        {
            var accepts = await AcceptsAsync(output);
            var options = TestAuthority.Shared.DialOptions(tls => tls.Certificate = TlsCertificate.From(TestAuthority.Shared.Issue(subject: name)));
            await using var client = new SocketClient(new SocketClientOptions { Dialer = Dial.Tls(TestEngine.Dial(accepts), options), Framer = Framers.Lines() });
            await client.ConnectAsync().WaitAsync(TestServer.Patience);
            await client.SendAsync("before");
            await Eventually.TrueAsync(() => output.Contains("before"), "it has the first line");

            // A line that the server reads together with the command is lost: so it is said until it arrives.
            await process.StandardInput.WriteAsync("c\n");
            var message = client.Messages.FirstAsync().AsTask();
            await Eventually.TrueAsync(() => Say("hello") && message.IsCompleted, "it goes on");
            using (var one = await message)
            {
                one.ToString().Should().Be("hello");
            }

            await client.SendAsync("after");
            await Eventually.TrueAsync(() => output.Contains("after"), "it has the last line");
            await Eventually.TrueAsync(() => process.HasExited || !Say("Q"), "it ends");
            await process.WaitForExitAsync().WaitAsync(TestServer.Patience);
            await Eventually.TrueAsync(() => output.Contains("SSL_do_handshake -> 1"), "it has asked");
        }
        finally
        {
            process.Kill();
        }

        bool Say(string line)
        {
            try
            {
                process.StandardInput.WriteLine(line);
                process.StandardInput.Flush();
                return true;
            }
            catch (IOException)
            {
                // It has ended.
                return false;
            }
        }
    }

    [OpenSslTheory]
    [Trait("Fault", "X58")]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_server_whose_chain_nobody_follows_is_a_failed_handshake_with_a_reason(string version)
    {
        var (leaf, chain) = Endless();
        var (crtFile, keyFile) = Lay(leaf);
        using var process = Start(["s_server", "-accept", "127.0.0.1:0", "-cert", crtFile, "-key", keyFile, "-cert_chain", chain, version], out var output);
        try
        {
            var dialer = Dial.Tls(TestEngine.Dial(await AcceptsAsync(output)), TestAuthority.Shared.DialOptions());
            await using var client = new SocketClient(new SocketClientOptions { Dialer = dialer, Framer = Framers.Lines() });

            var connect = () => client.ConnectAsync().WaitAsync(TestServer.Patience);

            var thrown = (await connect.Should().ThrowAsync<ConnectException>()).Which.Reason.Exception.Should().BeOfType<TlsException>().Subject;
            thrown.Failure.Should().Be(TlsFailure.CertificateInvalid);
            thrown.Message.Should().StartWith("the server's certificate cannot be judged: its chain is too long, or damaged");
        }
        finally
        {
            process.Kill();
        }
    }

    [OpenSslTheory]
    [Trait("Fault", "X58")]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public async Task A_client_whose_chain_nobody_follows_is_not_let_in(string version)
    {
        var (leaf, chain) = Endless();
        var (crtFile, keyFile) = Lay(leaf);
        await using var server = await TlsServer.StartAsync(options => options.ClientCertificateMode = ClientCertificateMode.Required);

        await RunAsync(server, [("hello", null)], [version, "-CAfile", Root(), "-cert", crtFile, "-key", keyFile, "-cert_chain", chain]);

        server.Waiting.Should().Be(0);
        var closed = await Eventually.SomeAsync(() => server.Logs.GetSnapshot().FirstOrDefault(record => record.Id.Id == 21), "it is told");
        closed.Message.Should().Contain("the client sends more than 24 KiB in its handshake: its certificates are too many");
    }

    [Fact]
    [Trait("Fault", "X58")]
    public void A_chain_of_ones_own_that_nobody_follows_is_told_when_it_is_loaded()
    {
        var (leaf, chain) = Endless();
        var own = new X509Certificate2Collection();
        own.ImportFromPemFile(chain);

        FluentActions.Invoking(() => TlsCertificate.From(leaf, own)).Should().Throw<TlsCertificateException>().WithMessage("The chain of the certificate and 105 others *");
    }

    /// <summary>A certificate behind more issuers than OpenSSL follows, and the file that has them.</summary>
    private (X509Certificate2 Leaf, string Chain) Endless()
    {
        const int Length = 105;
        var last = TestAuthority.Shared;
        var text = new System.Text.StringBuilder();
        for (var i = 0; i < Length; i++)
        {
            last = new TestAuthority($"Link {i}", last);
            text.AppendLine(last.Root.ExportCertificatePem());
        }

        var chain = Path.Combine(_folder.FullName, "chain.pem");
        File.WriteAllText(chain, text.ToString());
        return (last.Issue(), chain);
    }

    private (string Certificate, string Key) Lay(X509Certificate2 certificate)
    {
        var (crt, key) = TestAuthority.Pem(certificate);
        var (crtFile, keyFile) = (Path.Combine(_folder.FullName, "own.crt"), Path.Combine(_folder.FullName, "own.key"));
        File.WriteAllText(crtFile, crt);
        File.WriteAllText(keyFile, key);
        return (crtFile, keyFile);
    }

    private static Process Start(string[] arguments, out ConcurrentQueue<string> output)
    {
        var lines = output = new ConcurrentQueue<string>();
        var process = new Process
        {
            StartInfo = new ProcessStartInfo("openssl", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true },
        };
        process.OutputDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => lines.Enqueue(line.Data ?? "");
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static async Task<IPEndPoint> AcceptsAsync(ConcurrentQueue<string> output)
    {
        const string Accept = "ACCEPT ";
        var line = await Eventually.SomeAsync(() => output.FirstOrDefault(line => line.StartsWith(Accept, StringComparison.Ordinal)), "it accepts");
        return IPEndPoint.Parse(line[Accept.Length..]);
    }

    private string Root()
    {
        var path = Path.Combine(_folder.FullName, "root.pem");
        File.WriteAllText(path, TestAuthority.Shared.Root.ExportCertificatePem());
        return path;
    }

    /// <summary>Runs the client, gives it the lines one after the other, and tells all that it says.</summary>
    /// <param name="server">The server.</param>
    /// <param name="lines">Each with the line that comes of it, or null when that is the client's end. The client takes a line that is
    /// alone in a read as a command, and stops reading replies when its input ends: so none is early.</param>
    /// <param name="arguments">The client's.</param>
    private static async Task<(string Text, int Code)> RunAsync(TestServer server, (string Said, string? Answer)[] lines, string[] arguments)
    {
        var start = new ProcessStartInfo("openssl", ["s_client", "-connect", $"{server.EndPoint}", "-servername", "localhost", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = System.Text.Encoding.UTF8,
        };
        using var process = new Process { StartInfo = start };
        var (output, error) = (new ConcurrentQueue<string>(), new ConcurrentQueue<string>());
        process.OutputDataReceived += (_, line) => output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => error.Enqueue(line.Data ?? "");
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            foreach (var (said, answer) in lines)
            {
                await process.StandardInput.WriteAsync(said + "\n");
                await process.StandardInput.FlushAsync();
                await Eventually.TrueAsync(() => process.HasExited || (answer is not null && (output.Contains(answer) || error.Contains(answer))), $"{said} is answered by {answer ?? "the end"}");
            }

            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already, as it must when it is refused.
        }

        await process.WaitForExitAsync().WaitAsync(TestServer.Patience);
        return (string.Join('\n', output.Concat(error)), process.ExitCode);
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
