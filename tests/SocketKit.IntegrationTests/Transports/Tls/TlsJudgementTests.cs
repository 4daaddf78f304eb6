using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using SocketKit.Tests.Transports.Tls;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>How a peer's certificate is judged: by what it shows, each time anew, and without asking where the peer says.</summary>
public class TlsJudgementTests(ITestOutputHelper output)
{
    private const int Times = 20;

    private static readonly TestAuthority Intermediate = new("Intermediate", TestAuthority.Shared);

    public static TheoryData<SslProtocols, bool, ClientCertificateMode> Crossings
    {
        get
        {
            var all = new TheoryData<SslProtocols, bool, ClientCertificateMode>();
            foreach (var protocol in new[] { SslProtocols.Tls12, SslProtocols.Tls13 })
            {
                foreach (var mode in Enum.GetValues<ClientCertificateMode>())
                {
                    all.Add(protocol, false, mode);
                    all.Add(protocol, true, mode);
                }
            }

            return all;
        }
    }

    [Theory, Trait("Fault", "X46")]
    [MemberData(nameof(Crossings))]
    public async Task Clients_and_servers_behind_an_intermediate_authority_know_each_other_again_and_again(SslProtocols protocol, bool behind, ClientCertificateMode mode)
    {
        await using var server = await TlsServer.StartAsync(options =>
        {
            options.Certificate = Certificate(behind);
            options.ClientCertificateMode = mode;
            options.Protocols = protocol;
        });
        var own = Certificate(behind);
        var context = SslStreamCertificateContext.Create(own.Certificate, behind ? [Intermediate.Root] : null, offline: true);
        for (var i = 0; i < Times; i++)
        {
            using (var peer = await TlsPeer.ConnectAsync(server.EndPoint, options => options.ClientCertificateContext = context))
            {
                await peer.EchoAsync("another make");
            }

            await using var client = await TlsServer.ConnectAsync(server, options => options.Certificate = own);
            await client.SendAsync("our own");
            await foreach (var message in client.Messages)
            {
                using (message)
                {
                    message.ToString().Should().Be("our own");
                    break;
                }
            }
        }
    }

    [Theory, Trait("Fault", "X46")]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_session_of_a_listener_that_asks_for_nothing_opens_no_other(SslProtocols protocol)
    {
        var shared = TlsCertificate.From(TestAuthority.Shared.Issue());
        await using var open = await StartAsync(ClientCertificateMode.None);
        await using var closed = await StartAsync(ClientCertificateMode.Required);
        for (var i = 0; i < 3; i++)
        {
            using (var peer = await TlsPeer.ConnectAsync(open.EndPoint))
            {
                await peer.EchoAsync("hello");
            }

            var refused = async () =>
            {
                using var peer = await TlsPeer.ConnectAsync(closed.EndPoint);
                await peer.EchoAsync("hello");
            };
            await refused.Should().ThrowAsync<Exception>();
        }

        closed.Waiting.Should().Be(0, "nobody was let in");

        Task<TestServer> StartAsync(ClientCertificateMode mode) => TlsServer.StartAsync(options =>
        {
            options.Certificate = shared;
            options.ClientCertificateMode = mode;
            options.Protocols = protocol;
        });
    }

    [Theory, Trait("Fault", "X47")]
    [InlineData("nobody")]
    [InlineData("a stranger")]
    [InlineData("the name of a trusted one")]
    public async Task A_stranger_does_not_make_a_server_ask_anywhere(string issuer)
    {
        using var web = new Web();
        var stranger = new TestAuthority(issuer == "the name of a trusted one" ? "Test root" : "Stranger");
        var certificate = stranger.Issue(crl: $"{web.Address}/list.crl", issuerAt: $"{web.Address}/issuer.cer");
        if (issuer == "nobody")
        {
            certificate = new TestAuthority("unknown", stranger).Issue(crl: $"{web.Address}/list.crl", issuerAt: $"{web.Address}/issuer.cer");
        }

        await using var server = await TlsServer.StartAsync(options =>
        {
            options.ClientCertificateMode = ClientCertificateMode.Required;
            options.CheckRevocation = true;
        });

        for (var i = 0; i < 3; i++)
        {
            await RefusedAsync(server, certificate);
        }

        server.Waiting.Should().Be(0);
        web.Requests.Should().BeEmpty();
    }

    [Fact, Trait("Fault", "X47")]
    public async Task Of_one_who_is_trusted_the_list_is_fetched_and_nothing_else()
    {
        var authority = new TestAuthority($"Asked root {Guid.NewGuid():N}");
        using var web = new Web();
        var list = $"/{Guid.NewGuid():N}.crl";
        using var certificate = authority.Issue(crl: web.Address + list, issuerAt: $"{web.Address}/issuer.cer");
        web.Content = authority.RevocationList();
        await using var server = await TlsServer.StartAsync(options =>
        {
            options.ClientCertificateMode = ClientCertificateMode.Required;
            options.ClientAuthorities.Clear();
            options.ClientAuthorities.Add(authority.Root);
            options.CheckRevocation = true;
        });

        using var peer = await TlsPeer.ConnectAsync(server.EndPoint, options => options.ClientCertificateContext = Offline(certificate));
        await peer.EchoAsync("hello");

        web.Requests.Should().NotBeEmpty().And.OnlyContain(request => request.StartsWith($"GET {list} ", StringComparison.Ordinal));
    }

    [Theory, Trait("Fault", "X54")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("*.a.test", "x.a.test")]
    [InlineData("a.test", "a.test")]
    public async Task The_common_name_is_no_name(string common, string dialled)
    {
        foreach (var names in new string[][] { [], ["other.test"] })
        {
            await using var server = await TlsServer.StartAsync(options => options.Certificate = TlsCertificate.From(TestAuthority.Shared.Issue(names, subject: common)));

            var connect = () => TlsServer.ConnectAsync(server, options => options.ServerName = dialled);

            (await connect.Should().ThrowAsync<ConnectException>()).Which.Reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(TlsFailure.CertificateNameMismatch);
        }
    }

    [Theory, Trait("Fault", "X54")]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("*.a.test", "x.a.test")]
    [InlineData("xn--bcher-kva.test", "bücher.test")]
    [InlineData("a.test", "a.test.")]
    public async Task An_alternative_name_is(string alternative, string dialled)
    {
        await using var server = await TlsServer.StartAsync(options => options.Certificate = TlsCertificate.From(TestAuthority.Shared.Issue([alternative], subject: "x")));

        await using var client = await TlsServer.ConnectAsync(server, options => options.ServerName = dialled);
    }

    [Fact, Trait("Fault", "X47")]
    public async Task A_crowd_of_strangers_with_addresses_to_ask_at_holds_nobody_up()
    {
        const int Crowd = 70;
        using var web = new Web(answers: false);
        var stranger = new TestAuthority("Stranger");
        var certificates = Enumerable.Range(0, Crowd).Select(_ => stranger.Issue(crl: $"{web.Address}/list.crl", issuerAt: $"{web.Address}/issuer.cer")).ToArray();
        await using var strict = await TlsServer.StartAsync(options => (options.ClientCertificateMode, options.CheckRevocation) = (ClientCertificateMode.Required, true));
        await using var open = await TlsServer.StartAsync();
        await using var other = await TlsServer.StartAsync();
        (await TlsPeer.ConnectAsync(other.EndPoint)).Dispose();

        var friends = await CrowdAsync(async _ => (await TlsPeer.ConnectAsync(open.EndPoint)).Dispose());
        var strangers = await CrowdAsync(i => RefusedAsync(strict, certificates[i]));

        output.WriteLine($"the longest handshake beside {Crowd} strangers took {strangers.TotalMilliseconds:F0} ms, beside {Crowd} ordinary clients {friends.TotalMilliseconds:F0} ms");
        web.Requests.Should().BeEmpty();
        strict.Waiting.Should().Be(0);

        // The longest handshake with the other listener meanwhile.
        async Task<TimeSpan> CrowdAsync(Func<int, Task> come)
        {
            var crowd = Task.WhenAll(Enumerable.Range(0, Crowd).Select(i => Task.Run(() => come(i))));
            var longest = TimeSpan.Zero;
            do
            {
                var started = TimeProvider.System.GetTimestamp();
                using var peer = await TlsPeer.ConnectAsync(other.EndPoint);
                await peer.EchoAsync("hello");
                var took = TimeProvider.System.GetElapsedTime(started);
                longest = took > longest ? took : longest;
            }
            while (!crowd.IsCompleted);
            await crowd;
            return longest;
        }
    }

    [Theory, Trait("Fault", "X48")]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Certificates_that_are_made_to_be_expensive_are_refused_by_their_length(SslProtocols protocol)
    {
        // Many names, each compared with each constraint of each issuer; here the length alone counts.
        using var large = TestAuthority.Shared.Issue([.. Enumerable.Range(0, 8_000).Select(i => "a")]);
        await using var server = await TlsServer.StartAsync(options => (options.ClientCertificateMode, options.Protocols) = (ClientCertificateMode.Required, protocol));
        await RefusedAsync(server, large);
        server.Waiting.Should().Be(0);
        var closed = await Eventually.SomeAsync(() => server.Logs.GetSnapshot().FirstOrDefault(record => record.Id.Id == 21), "it is told");
        closed.Message.Should().Contain("the client sends more than 24 KiB in its handshake");

        using var vast = TestAuthority.Shared.Issue([.. Enumerable.Range(0, 20_000).Select(i => "a"), "localhost"]);
        await using var hostile = await TlsServer.StartAsync(options => (options.Certificate, options.Protocols) = (TlsCertificate.From(vast), protocol));
        var connect = () => TlsServer.ConnectAsync(hostile);
        (await connect.Should().ThrowAsync<ConnectException>()).Which.Reason.Exception.Should().BeOfType<TlsException>()
            .Which.Message.Should().StartWith("the server sends more than 48 KiB in its handshake");

        // A certificate with hundreds of names is none of them.
        using var many = TestAuthority.Shared.Issue([.. Enumerable.Range(0, 400).Select(i => $"name-{i}.example.com"), "localhost"]);
        await using var honest = await TlsServer.StartAsync(options => (options.Certificate, options.Protocols) = (TlsCertificate.From(many), protocol));
        await using var client = await TlsServer.ConnectAsync(honest);
    }

    [Theory, Trait("Fault", "X59")]
    [InlineData(SslProtocols.Tls12, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)]
    [InlineData(SslProtocols.Tls12, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)]
    [InlineData(SslProtocols.Tls13, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256)]
    public async Task A_program_may_choose_the_cipher_suites(SslProtocols protocol, TlsCipherSuite suite)
    {
        await using var choosing = await TlsServer.StartAsync(options => Choose(options.CipherSuites, options.Protocols = protocol));
        await using var open = await TlsServer.StartAsync(options => options.Protocols = protocol);
        for (var i = 0; i < 3; i++)
        {
            await using var client = await TlsServer.ConnectAsync(choosing);
            client.Connection!.Tls!.CipherSuite.Should().Be(suite, "the server has chosen");
            await using var chooses = await TlsServer.ConnectAsync(open, options => Choose(options.CipherSuites, options.Protocols = protocol));
            chooses.Connection!.Tls!.CipherSuite.Should().Be(suite, "the client has chosen");
        }

        void Choose(IList<TlsCipherSuite> suites, SslProtocols of) => suites.Add(of == protocol ? suite : throw new InvalidOperationException());
    }

    [Fact, Trait("Fault", "X59")]
    public async Task Two_that_have_no_cipher_suite_in_common_say_so()
    {
        await using var server = await TlsServer.StartAsync(options => (options.Protocols, _) = (SslProtocols.Tls13, Add(options.CipherSuites, TlsCipherSuite.TLS_AES_256_GCM_SHA384)));

        var connect = () => TlsServer.ConnectAsync(server, options => (options.Protocols, _) = (SslProtocols.Tls13, Add(options.CipherSuites, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256)));

        (await connect.Should().ThrowAsync<ConnectException>()).Which.Reason.Exception.Should().BeOfType<TlsException>();

        static bool Add(IList<TlsCipherSuite> suites, TlsCipherSuite suite)
        {
            suites.Add(suite);
            return true;
        }
    }

    private static TlsCertificate Certificate(bool behind) => behind
        ? TlsCertificate.From(Intermediate.Issue(), [Intermediate.Root])
        : TlsCertificate.From(TestAuthority.Shared.Issue());

    /// <summary>Else the peer itself asks for its issuer's certificate, to send it along.</summary>
    private static SslStreamCertificateContext Offline(X509Certificate2 certificate) => SslStreamCertificateContext.Create(certificate, null, offline: true);

    private static async Task RefusedAsync(TestServer server, X509Certificate2 certificate)
    {
        var connect = async () =>
        {
            using var peer = await TlsPeer.ConnectAsync(server.EndPoint, options => options.ClientCertificateContext = Offline(certificate));
            await peer.EchoAsync("hello");
        };
        await connect.Should().ThrowAsync<Exception>();
    }

    /// <summary>A web server that notes who asks.</summary>
    private sealed class Web : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        private readonly TaskCompletionSource _never = new();
        private readonly bool _answers;

        public Web(bool answers = true)
        {
            _answers = answers;
            _listener.Start();
            _ = ServeAsync();
        }

        public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

        public byte[] Content { get; set; } = [];

        public ConcurrentQueue<string> Requests { get; } = new();

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using var client = await _listener.AcceptTcpClientAsync();
                    await using var stream = client.GetStream();
                    using var reader = new StreamReader(stream, leaveOpen: true);
                    Requests.Enqueue(await reader.ReadLineAsync() ?? "");
                    if (!_answers)
                    {
                        await _never.Task;
                    }

                    while (await reader.ReadLineAsync() is { Length: > 0 })
                    {
                        // The first line says it all.
                    }

                    await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Content.Length}\r\nConnection: close\r\n\r\n"));
                    await stream.WriteAsync(Content);
                }
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException or IOException)
            {
                // The test is over.
            }
        }
    }
}
