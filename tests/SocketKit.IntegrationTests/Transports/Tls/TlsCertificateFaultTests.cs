using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;
using SocketKit.Tests.Transports.Tls;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.Transports.Tls;

/// <summary>Certificates that are wrong, and certificates that change.</summary>
public sealed class TlsCertificateFaultTests(ITestOutputHelper output) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("socketkit-tls-");

    public void Dispose() => _folder.Delete(recursive: true);

    public static TheoryData<string, TlsFailure> WrongCertificates => new()
    {
        { "expired", TlsFailure.CertificateExpired },
        { "not yet valid", TlsFailure.CertificateNotYetValid },
        { "untrusted", TlsFailure.CertificateUntrusted },
        { "self-signed", TlsFailure.CertificateUntrusted },
        { "wrong name", TlsFailure.CertificateNameMismatch },
    };

    [Theory]
    [Trait("Fault", "T01")]
    [MemberData(nameof(WrongCertificates))]
    public async Task A_client_refuses_a_wrong_server_and_says_why(string what, TlsFailure expected)
    {
        await using var server = await TlsServer.StartAsync(options => options.Certificate = TlsCertificate.From(Make(what)));

        var reason = await FailureAsync(server);

        reason.Kind.Should().Be(CloseKind.OpenFailed);
        reason.Phase.Should().Be(ClosePhase.Opening);
        reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(expected);
    }

    [Theory]
    [Trait("Fault", "T01")]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task A_server_refuses_wrong_clients_and_says_why(SslProtocols version)
    {
        await using var server = await TlsServer.StartAsync(options =>
        {
            options.ClientCertificateMode = ClientCertificateMode.Required;
            options.Protocols = version;
        });
        foreach (var (what, text) in new[] { ("expired", "expired at"), ("not yet valid", "not valid before"), ("untrusted", "nobody who is trusted"), ("", "has no certificate") })
        {
            var seen = server.Logs.Count;
            var reason = await FailureAsync(server, options => options.Certificate = what.Length > 0 ? TlsCertificate.From(Make(what)) : null);

            // This end has finished its handshake before the other one looks at the certificate, and is told no more than the end.
            reason.Kind.Should().BeOneOf(CloseKind.OpenFailed, CloseKind.Truncated, CloseKind.TransportFailed, CloseKind.PeerReset);
            reason.Kind.Should().NotBe(CloseKind.PeerClosed);
            var line = await LineAsync(server, seen, "OpenFailed");
            line.Should().Contain(text);
        }

        server.Waiting.Should().Be(0);
        await using var right = await TlsServer.ConnectAsync(server, options => options.Certificate = TlsCertificate.From(TestAuthority.Shared.Issue(subject: "right")));
        (await server.OpenedAsync()).Connection.Tls!.PeerCertificate!.Subject.Should().Be("CN=right");
    }

    [Fact]
    [Trait("Fault", "T01")]
    public async Task A_revoked_certificate_is_refused_and_so_is_one_that_nobody_can_tell_of()
    {
        var authority = new TestAuthority($"Revoking root {Guid.NewGuid():N}");
        using var lists = new TcpListener(IPAddress.Loopback, 0);
        lists.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)lists.LocalEndpoint).Port}";
        var good = authority.Issue(crl: $"{address}/{Guid.NewGuid():N}.crl");
        var revoked = authority.Issue(crl: $"{address}/{Guid.NewGuid():N}.crl");
        var list = authority.RevocationList(revoked);
        _ = ServeAsync(lists, list);
        var unknown = authority.Issue(crl: "http://127.0.0.1:1/none.crl");

        (await OutcomeAsync(good)).Should().BeNull();
        (await OutcomeAsync(revoked)).Should().Be(TlsFailure.CertificateRevoked);
        (await OutcomeAsync(unknown)).Should().Be(TlsFailure.CertificateRevocationUnknown);

        // And the other way round.
        await using var server = await TlsServer.StartAsync(options =>
        {
            options.ClientCertificateMode = ClientCertificateMode.Required;
            options.ClientAuthorities.Clear();
            options.ClientAuthorities.Add(authority.Root);
            options.CheckRevocation = true;
        });
        await FailureAsync(server, options => options.Certificate = TlsCertificate.From(revoked));
        (await LineAsync(server, 0, "OpenFailed")).Should().Contain("is revoked");

        async Task<TlsFailure?> OutcomeAsync(X509Certificate2 certificate)
        {
            await using var server = await TlsServer.StartAsync(options => options.Certificate = TlsCertificate.From(certificate));
            try
            {
                await using var client = await TlsServer.ConnectAsync(server, options =>
                {
                    options.Authorities.Clear();
                    options.Authorities.Add(authority.Root);
                    options.CheckRevocation = true;
                });
                return null;
            }
            catch (ConnectException exception)
            {
                return exception.Reason.Exception.Should().BeOfType<TlsException>().Which.Failure;
            }
        }
    }

    [Fact]
    [Trait("Fault", "T02")]
    public async Task A_certificate_is_replaced_under_200_connections_that_do_not_notice()
    {
        const int count = 200;
        Write(TestAuthority.Shared.Issue(subject: "old"));
        var certificate = TlsCertificate.FromPem(Path.Combine(_folder.FullName, "tls.pem"));
        await using var server = await TlsServer.StartAsync(options => options.Certificate = certificate);
        var peers = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => TlsPeer.ConnectAsync(server.EndPoint)));
        await Task.WhenAll(peers.Select(peer => peer.EchoAsync("before")));

        Write(TestAuthority.Shared.Issue(subject: "new"));
        var watch = Stopwatch.StartNew();
        while (true)
        {
            using var newcomer = await TlsPeer.ConnectAsync(server.EndPoint);
            await newcomer.EchoAsync("hello");
            if (newcomer.Stream.RemoteCertificate!.Subject == "CN=new")
            {
                break;
            }

            watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        }

        output.WriteLine($"T02: the new certificate was used {watch.ElapsedMilliseconds} ms after it was written");
        await Task.WhenAll(peers.Select(peer => peer.EchoAsync("after")));
        peers.Should().OnlyContain(peer => peer.Stream.RemoteCertificate!.Subject == "CN=old");
        server.Server.Connections.Count.Should().BeGreaterThanOrEqualTo(count);
        server.LogFrom(LogLevel.Error).Should().BeEmpty();
        foreach (var peer in peers)
        {
            peer.Dispose();
        }
    }

    [Fact]
    [Trait("Fault", "T02")]
    public async Task Certificates_that_were_replaced_are_let_go()
    {
        Write(TestAuthority.Shared.Issue(subject: "0"));
        var certificate = TlsCertificate.FromPem(Path.Combine(_folder.FullName, "tls.pem"));
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await TlsServer.StartAsync(options => options.Certificate = certificate, configure: options => options.TimeProvider = time);
        var replaced = new List<WeakReference>();
        for (var i = 1; i <= 20; i++)
        {
            replaced.Add(Note(certificate));
            using (var peer = await TlsPeer.ConnectAsync(server.EndPoint))
            {
                peer.Stream.RemoteCertificate!.Subject.Should().Be($"CN={i - 1}");
            }

            Write(TestAuthority.Shared.Issue(subject: $"{i}"));
            time.Advance(TimeSpan.FromSeconds(1));
        }

        _ = certificate.Certificate;
        await Eventually.TrueAsync(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();

            // The runtime's own caches may hold the last one.
            return replaced.Count(reference => reference.IsAlive) <= 1;
        });

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Note(TlsCertificate certificate) => new(certificate.Fresh().Context);
    }

    private static X509Certificate2 Make(string what) => what switch
    {
        "expired" => TestAuthority.Shared.Issue(from: -10, to: -1),
        "not yet valid" => TestAuthority.Shared.Issue(from: 1, to: 10),
        "untrusted" => new TestAuthority("Somebody's root").Issue(),
        "self-signed" => TlsCertificate.CreateDevelopment("localhost").Certificate,
        "wrong name" => TestAuthority.Shared.Issue(["example.com"]),
        _ => throw new ArgumentOutOfRangeException(nameof(what)),
    };

    private static async Task<CloseReason> FailureAsync(TestServer server, Action<TlsDialOptions>? tls = null)
    {
        SocketClient? client = null;
        try
        {
            client = await TlsServer.ConnectAsync(server, tls);
        }
        catch (ConnectException exception)
        {
            return exception.Reason;
        }

        // A client learns of its certificate's refusal by its first receive.
        await using (client)
        {
            if (client.Connection is { } connection)
            {
                return await connection.Closed.WaitAsync(TestServer.Patience);
            }

            var lost = await FluentActions.Awaiting(() => client.RequestAsync("hello").AsTask()).Should().ThrowAsync<ConnectionClosedException>();
            return lost.Which.Reason;
        }
    }

    private static Task<string> LineAsync(TestServer server, int seen, string part) =>
        Eventually.SomeAsync(() => server.Logs.GetSnapshot().Skip(seen).Select(record => record.Message).FirstOrDefault(message => message.Contains(part)), part);

    /// <summary>A web server of one file.</summary>
    private static async Task ServeAsync(TcpListener listener, byte[] file)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync();
                await using var stream = client.GetStream();
                using var reader = new StreamReader(stream, leaveOpen: true);
                while (await reader.ReadLineAsync() is { Length: > 0 })
                {
                    // The request says nothing that matters.
                }

                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: application/pkix-crl\r\nContent-Length: {file.Length}\r\nConnection: close\r\n\r\n"));
                await stream.WriteAsync(file);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or IOException)
        {
            // The test is over.
        }
    }

    /// <summary>Both in one file and at once: half a pair is another test's business.</summary>
    private void Write(X509Certificate2 certificate)
    {
        var (text, key) = TestAuthority.Pem(certificate);
        var path = Path.Combine(_folder.FullName, "tls.pem");
        File.WriteAllText(path + ".new", $"{text}\n{key}");
        File.Move(path + ".new", path, overwrite: true);
    }
}
