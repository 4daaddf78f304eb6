using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.Tests;

/// <summary>The parameters of <c>tls://</c>, and what the program says beside them.</summary>
public class TlsUrlTests
{
    [Fact]
    public async Task Tls_takes_its_files_from_the_URL()
    {
        var folder = Directory.CreateTempSubdirectory("sk-");
        try
        {
            var certificate = TlsCertificate.CreateDevelopment();
            var file = Path.Combine(folder.FullName, "my own.pem");
            await File.WriteAllTextAsync(file, $"{certificate.ExportPem()}\n{certificate.Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()}\n");
            var escaped = file.Replace(" ", "%20");

            (await AnswerAsync($"tls://127.0.0.1:0?cert={escaped}", $"?ca={escaped}&engine=sockets")).Should().Be("1");
            (await AnswerAsync($"tls://127.0.0.1:0?cert={escaped}&key={escaped}&engine=sockets", $"?ca={escaped}&name=localhost")).Should().Be("1");
            (await AnswerAsync($"tls://127.0.0.1:0?cert={escaped}&ca={escaped}", $"?ca={escaped}&cert={escaped}")).Should().Be("1", "both show a certificate");

            var strange = () => AnswerAsync($"tls://127.0.0.1:0?cert={escaped}", "");
            (await strange.Should().ThrowAsync<ConnectException>("nobody trusts it without being told")).Which.Reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(TlsFailure.CertificateUntrusted);
            var other = () => AnswerAsync($"tls://127.0.0.1:0?cert={escaped}", $"?ca={escaped}&name=example.test");
            (await other.Should().ThrowAsync<ConnectException>()).Which.Reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(TlsFailure.CertificateNameMismatch);
            var nameless = () => AnswerAsync($"tls://127.0.0.1:0?cert={escaped}&ca={escaped}", $"?ca={escaped}");
            await nameless.Should().ThrowAsync<ConnectionClosedException>("the server wants a certificate");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Tls_without_files_in_the_URL_goes_by_the_options()
    {
        var certificate = TlsCertificate.CreateDevelopment();
        var dial = new TlsDialOptions();
        dial.Authorities.Add(certificate.Certificate);

        (await AnswerAsync("tls://127.0.0.1:0", "", new TlsListenOptions { Certificate = certificate }, dial)).Should().Be("1");
    }

    [Fact]
    public async Task What_the_URL_of_a_listener_does_not_say_stays_as_the_program_says_it()
    {
        var own = new TestAuthority("Deployer's root");
        var serverFile = WriteFile(own.Issue(["127.0.0.1"]));
        var accepted = new ConcurrentQueue<string>();
        var program = TestAuthority.Shared.ListenOptions(options =>
        {
            options.ClientCertificateMode = ClientCertificateMode.Required;
            options.AcceptPeer = certificate =>
            {
                accepted.Enqueue(certificate.Subject);
                return certificate.Subject != "CN=lost";
            };
            options.ServerNames.Add("named.test", options.Certificate!);
        });
        var certificate = program.Certificate;
        try
        {
            var url = $"tls://127.0.0.1:0?cert={serverFile}";
            (await AnswerAsync(url, "", program, Client(own, TestAuthority.Shared.Issue(subject: "right")))).Should().Be("1", "the URL has the certificate, and the program those who vouch for clients");
            await RefusedAsync(url, program, Client(own, null));
            await RefusedAsync(url, program, Client(own, own.Issue(subject: "stranger")));
            await RefusedAsync(url, program, Client(own, TestAuthority.Shared.Issue(subject: "lost")));
            accepted.Should().Equal("CN=right", "CN=lost");

            var named = Client(TestAuthority.Shared, TestAuthority.Shared.Issue(subject: "right"));
            named.ServerName = "named.test";
            var mismatch = () => AnswerAsync(url, "", program, named);
            (await mismatch.Should().ThrowAsync<ConnectException>("the names keep their certificates, and this one is for localhost")).Which.Reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(TlsFailure.CertificateNameMismatch);
            program.Certificate.Should().BeSameAs(certificate, "the URL goes by a copy");
        }
        finally
        {
            File.Delete(serverFile);
        }
    }

    [Theory]
    [InlineData(ClientCertificateMode.None)]
    [InlineData(ClientCertificateMode.Allowed)]
    [InlineData(ClientCertificateMode.Required)]
    public async Task Authorities_in_the_URL_of_a_listener_replace_the_programs_and_make_certificates_required(ClientCertificateMode mode)
    {
        var own = new TestAuthority("Deployer's root");
        var rootFile = WriteFile(own.Root);
        var program = TestAuthority.Shared.ListenOptions(options =>
        {
            options.ClientCertificateMode = mode;
            options.AcceptPeer = certificate => certificate.Subject != "CN=lost";
        }, "127.0.0.1");
        try
        {
            var url = $"tls://127.0.0.1:0?ca={rootFile}";
            (await AnswerAsync(url, "", program, Client(TestAuthority.Shared, own.Issue()))).Should().Be("1");
            await RefusedAsync(url, program, Client(TestAuthority.Shared, null));
            await RefusedAsync(url, program, Client(TestAuthority.Shared, TestAuthority.Shared.Issue()));
            await RefusedAsync(url, program, Client(TestAuthority.Shared, own.Issue(subject: "lost")));
            program.ClientCertificateMode.Should().Be(mode, "the URL goes by a copy");
            program.ClientAuthorities.Should().Equal(mode == ClientCertificateMode.None ? [] : [TestAuthority.Shared.Root]);
        }
        finally
        {
            File.Delete(rootFile);
        }
    }

    [Fact]
    public void A_URL_brings_what_the_program_lacks_and_the_error_says_what_both_lack()
    {
        var file = WriteFile(TestAuthority.Shared.Issue());
        var program = new TlsListenOptions { ClientCertificateMode = ClientCertificateMode.Required };
        try
        {
            FluentActions.Invoking(() => Listen.Url("tls://127.0.0.1:0", program)).Should().Throw<ArgumentException>().WithMessage("*tls needs a certificate*");
            FluentActions.Invoking(() => Listen.Url($"tls://127.0.0.1:0?ca={file}", program)).Should().Throw<ArgumentException>().WithMessage("*stands beside cert*");
            FluentActions.Invoking(() => Listen.Url($"tls://127.0.0.1:0?cert={file}", program)).Should().Throw<OptionsException>("nobody vouches for the clients").Which.Option.Should().Be("TlsListenOptions.ClientAuthorities");
            FluentActions.Invoking(() => Listen.Url($"tls://127.0.0.1:0?cert={file}&ca={file}", program)).Should().NotThrow();
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task What_the_URL_of_a_dialer_does_not_say_stays_as_the_program_says_it()
    {
        var own = new TestAuthority("Deployer's root");
        var rootFile = WriteFile(own.Root);
        var clientFile = WriteFile(TestAuthority.Shared.Issue(subject: "deployer's"));
        var asked = new ConcurrentQueue<string>();
        var program = TestAuthority.Shared.DialOptions(options =>
        {
            options.ServerName = "program.test";
            options.Certificate = TlsCertificate.From(TestAuthority.Shared.Issue(subject: "program's"));
            options.AcceptPeer = certificate => certificate.Subject != "CN=lost";
        });
        var certificate = program.Certificate;
        var server = Server(TestAuthority.Shared.Issue(["program.test", "url.test"]));
        try
        {
            (await AnswerAsync("tls://127.0.0.1:0", "?name=url.test", server, program)).Should().Be("1", "the program has the authorities");
            (await AnswerAsync("tls://127.0.0.1:0", $"?cert={clientFile}", server, program)).Should().Be("1", "the program has the name as well");
            asked.Should().Equal("CN=program's", "CN=deployer's");

            (await AnswerAsync("tls://127.0.0.1:0", $"?ca={rootFile}", Server(own.Issue(["program.test"])), program)).Should().Be("1", "the URL says who vouches");
            asked.Should().HaveCount(3).And.EndWith("CN=program's");
            await FailsAsync($"?ca={rootFile}", TestAuthority.Shared.Issue(["program.test"]), TlsFailure.CertificateUntrusted);
            await FailsAsync($"?ca={rootFile}", own.Issue(["url.test"]), TlsFailure.CertificateNameMismatch);
            await FailsAsync($"?ca={rootFile}&name=url.test", own.Issue(["url.test"], subject: "lost"), TlsFailure.CertificateRefused);

            program.ServerName.Should().Be("program.test", "the URL goes by a copy");
            program.Certificate.Should().BeSameAs(certificate);
            program.Authorities.Should().Equal(TestAuthority.Shared.Root);
        }
        finally
        {
            File.Delete(rootFile);
            File.Delete(clientFile);
        }

        TlsListenOptions Server(X509Certificate2 shown) => TestAuthority.Shared.ListenOptions(options =>
        {
            options.Certificate = TlsCertificate.From(shown);
            options.ClientCertificateMode = ClientCertificateMode.Required;
            options.AcceptPeer = certificate =>
            {
                asked.Enqueue(certificate.Subject);
                return true;
            };
        });

        async Task FailsAsync(string parameters, X509Certificate2 shown, TlsFailure failure)
        {
            var dialling = () => AnswerAsync("tls://127.0.0.1:0", parameters, Server(shown), program);
            (await dialling.Should().ThrowAsync<ConnectException>()).Which.Reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(failure);
        }
    }

    [Fact]
    public void Authorities_in_the_URL_of_a_dialer_that_accepts_any_certificate_are_not_dropped()
    {
        var file = WriteFile(TestAuthority.Shared.Root);
        var program = new TlsDialOptions { DangerousAcceptAnyCertificate = true };

        FluentActions.Invoking(() => Dial.Url($"tls://localhost:9443?ca={file}", program)).Should().Throw<OptionsException>().WithMessage("*Authorities*");

        File.Delete(file);
    }

    [Fact]
    public void A_file_that_cannot_be_loaded_is_named()
    {
        FluentActions.Invoking(() => Listen.Url("tls://127.0.0.1:0?cert=/nowhere/a.pem")).Should().Throw<TlsCertificateException>().WithMessage("*/nowhere/a.pem*");
        FluentActions.Invoking(() => Dial.Url("tls://127.0.0.1:1?ca=/nowhere/b.pem")).Should().Throw<TlsCertificateException>().WithMessage("*/nowhere/b.pem*");
        var empty = Path.GetTempFileName();
        FluentActions.Invoking(() => Dial.Url($"tls://127.0.0.1:1?ca={empty}")).Should().Throw<TlsCertificateException>().WithMessage($"*{empty}*no certificate*");
        File.Delete(empty);
    }

    /// <summary>Options of a client that trusts the authority and shows the certificate.</summary>
    private static TlsDialOptions Client(TestAuthority trusted, X509Certificate2? certificate)
    {
        var options = new TlsDialOptions { Certificate = certificate is null ? null : TlsCertificate.From(certificate) };
        options.Authorities.Add(trusted.Root);
        return options;
    }

    /// <summary>A file with the certificate and its key.</summary>
    private static string WriteFile(X509Certificate2 certificate)
    {
        var file = Path.GetTempFileName();
        var (pem, key) = TestAuthority.Pem(certificate);
        File.WriteAllText(file, $"{pem}\n{key}\n");
        return file;
    }

    /// <summary>The server lets the client finish its handshake and ends the connection then, or resets it.</summary>
    private static async Task RefusedAsync(string listen, TlsListenOptions listenOptions, TlsDialOptions dialOptions)
    {
        var exception = (await FluentActions.Awaiting(() => AnswerAsync(listen, "", listenOptions, dialOptions)).Should().ThrowAsync<Exception>()).Which;
        exception.Should().Match(thrown => thrown is ConnectionClosedException || thrown is ConnectException);
    }

    /// <summary>What a server at the one URL answers to a client that dials it with these parameters.</summary>
    private static async Task<string> AnswerAsync(string listen, string parameters, TlsListenOptions? listenOptions = null, TlsDialOptions? dialOptions = null)
    {
        var patience = TimeSpan.FromSeconds(10);
        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { Listen.Url(listen, listenOptions) },
            Framer = Framers.Lines(),
            HandlerFactory = Handlers.OnText((connection, text) => connection.SendAsync(text)),
        });
        await server.StartAsync();
        await using var client = new SocketClient(new SocketClientOptions
        {
            Dialer = Dial.Url($"tls://127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}{parameters}", dialOptions),
            Framer = Framers.Lines(),
        });
        await client.ConnectAsync().WaitAsync(patience);
        using var response = await client.RequestAsync("1").AsTask().WaitAsync(patience);
        return response.ToString();
    }
}
