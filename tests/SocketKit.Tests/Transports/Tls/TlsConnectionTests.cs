using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using SocketKit.Tests.TestDoubles;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

/// <summary>
/// Servers and clients over TLS in memory: what the handshake brings, and how connections end. Handshakes run on the thread pool, which the
/// network does not wait for.
/// </summary>
public class TlsConnectionTests
{
    private readonly TestBed _bed = new();

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task An_echo_goes_there_and_back_and_both_ends_tell_the_version(SslProtocols version)
    {
        await using var bed = await StartAsync(options => options.Protocols = version);
        await using var client = await ConnectAsync();

        using var response = await client.RequestAsync("hello").AsTask().WaitAsync(TestBed.Patience);

        response.ToString().Should().Be("hello");
        client.Connection!.Tls!.Protocol.Should().Be(version);
        bed.Session.Connection.Tls!.Protocol.Should().Be(version);
        bed.Session.Connection.Tls.CipherSuite.Should().Be(client.Connection.Tls.CipherSuite);
        bed.Session.Connection.Tls.ServerName.Should().Be("localhost");
        bed.Session.Connection.Tls.PeerCertificate.Should().BeNull();
        bed.Session.Connection.Tls.ApplicationProtocol.Should().BeNull();
        client.Connection.Tls.PeerCertificate!.Subject.Should().Be("CN=Test");
    }

    [Fact]
    public async Task A_plain_connection_has_no_TLS()
    {
        await using var bed = await _bed.StartAsync();
        await using var client = await bed.ConnectAsync();

        client.Connection!.Tls.Should().BeNull();
        bed.Session.Connection.Tls.Should().BeNull();
    }

    [Fact]
    public async Task With_mutual_TLS_the_clients_certificate_is_on_the_connection_also_after_its_end()
    {
        await using var bed = await StartAsync(options => options.ClientCertificateMode = ClientCertificateMode.Required);
        var client = await ConnectAsync(options => options.Certificate = TlsCertificate.From(TestAuthority.Shared.Issue(subject: "device 7")));
        var connection = bed.Session.Connection;

        connection.Tls!.PeerCertificate!.Subject.Should().Be("CN=device 7");
        await client.DisposeAsync();
        await bed.Session.ClosedCall;

        connection.Tls.PeerCertificate.GetNameInfo(X509NameType.SimpleName, false).Should().Be("device 7");
        connection.Tls.PeerCertificate.GetECDsaPublicKey().Should().NotBeNull();
    }

    [Fact]
    public async Task An_optional_client_certificate_may_be_missing_but_not_wrong()
    {
        await using var bed = await StartAsync(options => options.ClientCertificateMode = ClientCertificateMode.Allowed);
        await using var without = await ConnectAsync();
        bed.Session.Connection.Tls!.PeerCertificate.Should().BeNull();

        // This end has finished its handshake before the other one has looked at the certificate.
        var wire = await bed.Network.ConnectAsync(TestBed.Address);
        var wrong = new TlsTransport(wire, new TlsClientSide(TestAuthority.Shared.DialOptions(options => options.Certificate = TlsCertificate.From(new TestAuthority("other").Issue())), host: null), new());
        await wrong.OpenAsync(CancellationToken.None).AsTask().WaitAsync(TestBed.Patience);
        await FluentActions.Awaiting(() => wrong.ReceiveAsync(new byte[10]).AsTask().WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>();
        await LoggedAsync("the client's certificate (CN=Test) comes from nobody who is trusted");
    }

    [Fact]
    public async Task A_chain_of_certificates_reaches_a_client_that_knows_the_root_alone()
    {
        var intermediate = new TestAuthority("Intermediate", TestAuthority.Shared);
        await using var bed = await StartAsync(options => options.Certificate = TlsCertificate.From(intermediate.Issue(subject: "leaf"), [intermediate.Root]));

        await using var client = await ConnectAsync();

        client.Connection!.Tls!.PeerCertificate!.Subject.Should().Be("CN=leaf");
    }

    [Theory]
    [InlineData("a.test", "CN=a")]
    [InlineData("A.TEST", "CN=a")]
    [InlineData("x.b.test", "CN=b")]
    [InlineData("x.y.b.test", "CN=default")]
    [InlineData("b.test", "CN=default")]
    [InlineData("127.0.0.1", "CN=default")]
    public async Task The_certificate_is_the_one_for_the_name_that_is_asked_for(string name, string subject)
    {
        await using var bed = await StartAsync(options =>
        {
            options.Certificate = TlsCertificate.From(TestAuthority.Shared.Issue(["x.y.b.test", "b.test", "127.0.0.1"], subject: "default"));
            options.ServerNames.Add("a.test", TlsCertificate.From(TestAuthority.Shared.Issue(["a.test"], subject: "a")));
            options.ServerNames.Add("*.b.test", TlsCertificate.From(TestAuthority.Shared.Issue(["*.b.test"], subject: "b")));
        });

        await using var client = await ConnectAsync(options => options.ServerName = name);

        client.Connection!.Tls!.PeerCertificate!.Subject.Should().Be(subject);
    }

    [Theory]
    [Trait("Fault", "X53")]
    [Trait("Fault", "X23")]
    [InlineData("a.test.", "a.test", "CN=a")]
    [InlineData("a.test", "a.test", "CN=a")]
    [InlineData("x.b.test.", "x.b.test", "CN=b")]
    [InlineData("dot.test", "dot.test", "CN=dot")]
    [InlineData("dot.test.", "dot.test", "CN=dot")]
    [InlineData("xn--bcher-kva.test", "bücher.test", "CN=bücher")]
    [InlineData("x.xn--bcher-kva.test", "x.bücher.test", "CN=wild")]
    public async Task The_spelling_of_a_name_makes_no_difference(string asked, string told, string subject)
    {
        await using var bed = await StartAsync(options =>
        {
            foreach (var (name, one) in new[] { ("a.test", "a"), ("*.b.test", "b"), ("dot.test.", "dot"), ("xn--bcher-kva.test", "bücher"), ("*.bücher.test", "wild") })
            {
                options.ServerNames.Add(name, TlsCertificate.From(TestAuthority.Shared.Issue(subject: one)));
            }
        });
        await using var stream = Plain(await bed.Network.ConnectAsync(TestBed.Address));

        await stream.AuthenticateAsClientAsync(Anybody(asked)).WaitAsync(TestBed.Patience);

        stream.RemoteCertificate!.Subject.Should().Be(subject);
        await Eventually.TrueAsync(() => bed.Sessions.Any(session => session.Connection.Tls is not null));
        bed.Session.Connection.Tls!.ServerName.Should().Be(told);
    }

    [Theory]
    [Trait("Fault", "X23")]
    [InlineData("a.test")]
    [InlineData("a.test.")]
    public async Task A_clients_name_may_be_absolute(string name)
    {
        await using var bed = await StartAsync(options => options.ServerNames.Add("a.test", TlsCertificate.From(TestAuthority.Shared.Issue(["a.test"], subject: "a"))));

        await using var client = await ConnectAsync(options => options.ServerName = name);

        client.Connection!.Tls!.PeerCertificate!.Subject.Should().Be("CN=a");
        client.Connection.Tls.ServerName.Should().Be("a.test");
    }

    [Theory]
    [Trait("Fault", "X23")]
    [InlineData(SslProtocols.Tls12, 1)]
    [InlineData(SslProtocols.Tls12, 100)]
    [InlineData(SslProtocols.Tls13, 1)]
    [InlineData(SslProtocols.Tls13, 100)]
    public async Task A_hello_that_is_cut_over_several_records_asks_for_its_name_all_the_same(SslProtocols version, int size)
    {
        await using var bed = await StartAsync(options => options.ServerNames.Add("a.test", TlsCertificate.From(TestAuthority.Shared.Issue(["a.test"], subject: "a"))));
        var wire = await bed.Network.ConnectAsync(TestBed.Address);
        var sends = 0;
        var cutting = new InterceptedTransport(wire)
        {
            OnSend = bytes => wire.SendAsync(sends++ > 0 ? bytes : bytes[5..].ToArray().Chunk(size).SelectMany(piece => (byte[])[22, 3, 1, (byte)(piece.Length >> 8), (byte)piece.Length, .. piece]).ToArray()),
        };
        var client = new TlsTransport(cutting, new TlsClientSide(TestAuthority.Shared.DialOptions(options => (options.ServerName, options.Protocols) = ("a.test", version)), host: null), new());

        await client.OpenAsync(CancellationToken.None).AsTask().WaitAsync(TestBed.Patience);

        client.Find<TlsInfo>()!.PeerCertificate!.Subject.Should().Be("CN=a");
        client.Find<TlsInfo>()!.Protocol.Should().Be(version);
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_name_that_nobody_is_for_is_refused_when_there_is_no_default()
    {
        await using var bed = await StartAsync(options =>
        {
            options.Certificate = null;
            options.ServerNames.Add("a.test", TlsCertificate.From(TestAuthority.Shared.Issue(["a.test"])));
        });

        var failure = await FailureAsync(options => options.ServerName = "b.test");

        failure.Failure.Should().Be(TlsFailure.PeerRefused);
        failure.Message.Should().Contain("unrecognized name");
        await LoggedAsync("there is no certificate for the name b.test");
    }

    [Fact]
    public async Task The_application_protocol_is_chosen_by_the_server_and_none_in_common_is_refused()
    {
        await using var bed = await StartAsync(options =>
        {
            options.ApplicationProtocols.Add("x/2");
            options.ApplicationProtocols.Add("x/1");
        });
        await using (var client = await ConnectAsync(options =>
        {
            options.ApplicationProtocols.Add("x/1");
            options.ApplicationProtocols.Add("x/2");
        }))
        {
            client.Connection!.Tls!.ApplicationProtocol.Should().Be("x/2");
            bed.Session.Connection.Tls!.ApplicationProtocol.Should().Be("x/2");
        }

        await using (var client = await ConnectAsync())
        {
            client.Connection!.Tls!.ApplicationProtocol.Should().BeNull();
        }

        (await FailureAsync(options => options.ApplicationProtocols.Add("y"))).Failure.Should().Be(TlsFailure.PeerRefused);
    }

    [Fact]
    [Trait("Fault", "T04")]
    public async Task A_close_is_told_from_a_stream_that_was_cut_off()
    {
        await using var bed = await StartAsync();
        var (closing, _) = await RawAsync();
        await closing.SendAsync("one\n"u8.ToArray());
        await closing.CompleteOutputAsync();
        var clean = await bed.Session.ClosedCall;
        bed.Sessions.Clear();

        var (cut, wire) = await RawAsync();
        await cut.SendAsync("two\n"u8.ToArray());
        await wire.CompleteOutputAsync();
        var truncated = await bed.Session.ClosedCall;

        clean.Kind.Should().Be(CloseKind.PeerClosed);
        truncated.Kind.Should().Be(CloseKind.Truncated);
        truncated.By.Should().Be(CloseParty.Peer);
        truncated.Detail.Should().Contain("close_notify");
        bed.Session.Messages.Should().Equal(["two"], "what came whole is handled");
        var buffer = new byte[100];
        (await cut.ReceiveAsync(buffer).AsTask().WaitAsync(TestBed.Patience)).Count.Should().Be(4, "and answered");
        Encoding.ASCII.GetString(buffer, 0, 4).Should().Be("two\n");
        (await cut.ReceiveAsync(buffer).AsTask().WaitAsync(TestBed.Patience)).Count.Should().Be(0, "this side says close_notify all the same");
    }

    [Fact]
    [Trait("Fault", "T04")]
    public async Task A_stream_that_is_cut_inside_a_record_is_cut_off_too()
    {
        await using var bed = await StartAsync();
        var (_, wire) = await RawAsync();

        // The header of a record of 100 bytes, and 3 of them.
        await wire.SendAsync(new byte[] { 23, 3, 3, 0, 100, 1, 2, 3 });
        await wire.CompleteOutputAsync();

        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.Truncated);
    }

    [Fact]
    public async Task A_record_that_was_changed_ends_the_connection()
    {
        await using var bed = await StartAsync();
        var (_, wire) = await RawAsync();

        await wire.SendAsync((byte[])[23, 3, 3, 0, 32, .. new byte[32]]);

        var reason = await bed.Session.ClosedCall;
        reason.Kind.Should().Be(CloseKind.TransportFailed);
        reason.Exception.Should().BeOfType<TlsException>().Which.Failure.Should().Be(TlsFailure.BrokenRecord);
        bed.Session.Messages.Should().BeEmpty();
    }

    [Fact]
    public async Task A_switch_that_validates_nothing_warns_each_time()
    {
        await using var bed = await StartAsync();
        for (var i = 1; i <= 2; i++)
        {
            await using var client = await ConnectAsync(options =>
            {
                options.Authorities.Clear();
                options.ServerName = "somebody.else.test";
                options.DangerousAcceptAnyCertificate = true;
            });
            client.State.Should().Be(ClientState.Connected);
            bed.Logs.GetSnapshot().Where(record => record.Id.Id == 50).Should().HaveCount(i).And.OnlyContain(record => record.Level == LogLevel.Warning && record.Message.Contains("NOT validated"));
        }
    }

    [Fact]
    public async Task An_application_can_refuse_a_valid_certificate_and_cannot_accept_another()
    {
        await using var bed = await StartAsync();
        var asked = 0;

        var refused = await FailureAsync(options => options.AcceptPeer = certificate => asked++ < 0);
        var untrusted = await FailureAsync(options =>
        {
            options.Authorities.Clear();
            options.AcceptPeer = _ => asked++ >= 0;
        });

        refused.Failure.Should().Be(TlsFailure.CertificateRefused);
        untrusted.Failure.Should().Be(TlsFailure.CertificateUntrusted);
        asked.Should().Be(1);
    }

    [Fact]
    public async Task A_client_that_tries_again_says_what_is_wrong_with_the_certificate_and_its_policy_can_give_up()
    {
        await using var bed = await StartAsync();
        var changes = new System.Collections.Concurrent.ConcurrentQueue<ClientStateChange>();
        var asked = new List<TlsFailure?>();
        var client = new SocketClient(new SocketClientOptions
        {
            Dialer = Dial.Tls(_bed.Network.Dial(TestBed.Address), TestAuthority.Shared.DialOptions(options => options.Authorities.Clear())),
            Framer = Framers.Lines(),
            Reconnect = new GivingUp(2, reason => asked.Add((reason.Exception as TlsException)?.Failure)),
        });
        client.StateChanged += (_, change) => changes.Enqueue(change);

        var failure = (await FluentActions.Awaiting(() => client.ConnectAsync().WaitAsync(TestBed.Patience)).Should().ThrowAsync<ConnectException>()).Which;
        await client.DisposeAsync();

        asked.Should().Equal(TlsFailure.CertificateUntrusted, TlsFailure.CertificateUntrusted);
        failure.Reason.ToString().Should().Contain("comes from nobody who is trusted");
        await Eventually.TrueAsync(() => changes.Any(change => change.To == ClientState.Waiting && change.Reason!.ToString().Contains("comes from nobody who is trusted", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Handshakes_that_stall_end_at_the_open_deadline_and_keep_the_only_place_from_nobody()
    {
        await using var bed = await StartAsync(options => options.MaxHandshakes = 1);
        var stalled = new List<RawPeer>();
        for (var i = 0; i < 4; i++)
        {
            var peer = await bed.ConnectRawAsync();
            await peer.SendAsync([22]);
            stalled.Add(peer);
        }

        await using (var beside = await ConnectAsync())
        {
            beside.State.Should().Be(ClientState.Connected);
        }

        bed.Advance(11);
        foreach (var peer in stalled)
        {
            (await peer.EndsAsync()).Should().BeFalse("it is reset at the open deadline");
        }

        await using var client = await ConnectAsync();
        client.State.Should().Be(ClientState.Connected);
    }

    [Fact]
    public async Task A_verb_before_the_handshake_says_so_and_an_abort_in_the_middle_of_it_ends_it()
    {
        await using var bed = await StartAsync();
        var wire = await bed.Network.ConnectAsync(TestBed.Address);
        var tls = Tls(wire);
        await FluentActions.Awaiting(() => tls.SendAsync(new byte[1]).AsTask()).Should().ThrowAsync<InvalidOperationException>().WithMessage("*OpenAsync*");
        await FluentActions.Awaiting(() => tls.ReceiveAsync(new byte[1]).AsTask()).Should().ThrowAsync<InvalidOperationException>().WithMessage("*OpenAsync*");
        bed.Network.BlackHole(bed.Listener.EndPoint);

        var opening = tls.OpenAsync(CancellationToken.None).AsTask();
        tls.Abort();

        await FluentActions.Awaiting(() => opening.WaitAsync(TestBed.Patience)).Should().ThrowAsync<IOException>().WithMessage("*this side*");
        await tls.DisposeAsync();
    }

    [Fact]
    public async Task A_cancelled_open_is_a_cancellation()
    {
        await using var bed = await StartAsync();
        var tls = Tls(await bed.Network.ConnectAsync(TestBed.Address));
        bed.Network.BlackHole(bed.Listener.EndPoint);
        using var cancel = new CancellationTokenSource();

        var opening = tls.OpenAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();

        await FluentActions.Awaiting(() => opening.WaitAsync(TestBed.Patience)).Should().ThrowAsync<OperationCanceledException>();
        await tls.DisposeAsync();
    }

    private static TlsTransport Tls(Transport wire) => new(wire, new TlsClientSide(TestAuthority.Shared.DialOptions(), host: null), new());

    /// <summary>The runtime's own client.</summary>
    private static SslStream Plain(Transport wire)
    {
        var stream = new TransportStream(wire, server: false);
        stream.BeginHandshake(new HandshakePlace(gate: null, from: null));
        return new SslStream(stream);
    }

#pragma warning disable CA5359 // It is the name that is looked at.
    private static SslClientAuthenticationOptions Anybody(string name) => new() { TargetHost = name, RemoteCertificateValidationCallback = (_, _, _, _) => true };
#pragma warning restore CA5359

    private Task<TestBed> StartAsync(Action<TlsListenOptions>? configure = null) => _bed.StartAsync(onMessage: null, options =>
    {
        options.Listeners.Clear();
        options.Listeners.Add(Listen.Tls(_bed.Listener, TestAuthority.Shared.ListenOptions(configure)));
    });

    private async Task<SocketClient> ConnectAsync(Action<TlsDialOptions>? configure = null)
    {
        var before = _bed.Sessions.Count;
        var client = await _bed.ConnectAsync(options => options.Dialer = Dial.Tls(_bed.Network.Dial(TestBed.Address), TestAuthority.Shared.DialOptions(configure)));
        await Eventually.TrueAsync(() => _bed.Sessions.Count > before && _bed.Sessions.Last().Events.Contains("connected"));
        return client;
    }

    /// <summary>A client's end that shows its wire.</summary>
    private async Task<(TlsTransport Tls, Transport Wire)> RawAsync()
    {
        var wire = await _bed.Network.ConnectAsync(TestBed.Address);
        var tls = Tls(wire);
        await tls.OpenAsync(CancellationToken.None).AsTask().WaitAsync(TestBed.Patience);
        await Eventually.TrueAsync(() => !_bed.Sessions.IsEmpty);
        return (tls, wire);
    }

    private async Task<TlsException> FailureAsync(Action<TlsDialOptions> configure)
    {
        var failure = (await FluentActions.Awaiting(() => ConnectAsync(configure)).Should().ThrowAsync<ConnectException>()).Which;
        failure.Reason.Kind.Should().Be(CloseKind.OpenFailed);
        return failure.Reason.Exception.Should().BeOfType<TlsException>().Which;
    }

    /// <summary>Waits for a line that says why the server refused.</summary>
    private Task LoggedAsync(string part) => Eventually.TrueAsync(() => _bed.Logs.GetSnapshot().Any(record => record.Message.Contains("OpenFailed") && record.Message.Contains(part)));

    private sealed class GivingUp(int after, Action<CloseReason> asked) : IReconnectPolicy
    {
        public TimeSpan? NextDelay(int attempt, CloseReason reason)
        {
            asked(reason);
            return attempt < after ? TimeSpan.FromMilliseconds(1) : null;
        }
    }
}
