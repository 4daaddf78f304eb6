using System.Diagnostics.Metrics;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

public sealed class TlsCertificateTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("socketkit-tls-");
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly FakeLogCollector _logs = new();
    private readonly X509Certificate2 _first = TestAuthority.Shared.Issue(subject: "first");
    private readonly X509Certificate2 _second = TestAuthority.Shared.Issue(subject: "second");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_PEM_certificate_comes_with_its_key_and_its_chain()
    {
        var intermediate = new TestAuthority("Intermediate", TestAuthority.Shared);
        using var own = intermediate.Issue();
        var (certificate, key) = TestAuthority.Pem(own);
        File.WriteAllText(In("chain.pem"), certificate + "\n" + intermediate.Root.ExportCertificatePem());
        File.WriteAllText(In("key.pem"), key);
        File.WriteAllText(In("both.pem"), key + "\n" + certificate);

        var apart = TlsCertificate.FromPem(In("chain.pem"), In("key.pem"));
        var together = TlsCertificate.FromPem(In("both.pem"));

        apart.Certificate.Thumbprint.Should().Be(own.Thumbprint);
        apart.Certificate.HasPrivateKey.Should().BeTrue();
        apart.Fresh().Context.IntermediateCertificates.Should().ContainSingle().Which.Thumbprint.Should().Be(intermediate.Root.Thumbprint);
        together.Certificate.Thumbprint.Should().Be(own.Thumbprint);
        apart.ToString().Should().Be(In("chain.pem"));
    }

    [Fact]
    public void Encrypted_keys_and_PFX_files_take_a_password()
    {
        var (certificate, _) = TestAuthority.Pem(_first);
        using var key = _first.GetECDsaPrivateKey()!;
        File.WriteAllText(In("c.pem"), certificate);
        File.WriteAllText(In("k.pem"), key.ExportEncryptedPkcs8PrivateKeyPem("secret", new System.Security.Cryptography.PbeParameters(System.Security.Cryptography.PbeEncryptionAlgorithm.Aes256Cbc, System.Security.Cryptography.HashAlgorithmName.SHA256, 1000)));
        File.WriteAllBytes(In("c.pfx"), _first.Export(X509ContentType.Pkcs12, "secret"));

        TlsCertificate.FromPem(In("c.pem"), In("k.pem"), "secret").Certificate.Thumbprint.Should().Be(_first.Thumbprint);
        TlsCertificate.FromPfx(In("c.pfx"), "secret").Certificate.Thumbprint.Should().Be(_first.Thumbprint);
        FluentActions.Invoking(() => TlsCertificate.FromPem(In("c.pem"), In("k.pem"), "wrong")).Should().Throw<TlsCertificateException>().WithMessage("*c.pem and *k.pem*");
        FluentActions.Invoking(() => TlsCertificate.FromPfx(In("c.pfx"))).Should().Throw<TlsCertificateException>().WithMessage("*c.pfx*");
    }

    [Fact]
    public void What_cannot_be_loaded_at_first_is_an_error_that_names_the_file()
    {
        FluentActions.Invoking(() => TlsCertificate.FromPem(In("none.pem"))).Should().Throw<TlsCertificateException>().WithMessage("*none.pem*");
        File.WriteAllText(In("empty.pem"), "");
        FluentActions.Invoking(() => TlsCertificate.FromPem(In("empty.pem"))).Should().Throw<TlsCertificateException>().WithMessage("*empty.pem*");
        var (certificate, _) = TestAuthority.Pem(_first);
        var (_, key) = TestAuthority.Pem(_second);
        File.WriteAllText(In("c.pem"), certificate);
        File.WriteAllText(In("k.pem"), key);
        FluentActions.Invoking(() => TlsCertificate.FromPem(In("c.pem"), In("k.pem"))).Should().Throw<TlsCertificateException>().WithMessage("*k.pem*");
        File.WriteAllText(In("bare.pem"), certificate);
        FluentActions.Invoking(() => TlsCertificate.FromPem(In("bare.pem"))).Should().Throw<TlsCertificateException>().WithMessage("*no private key*give the key's file*");
        FluentActions.Invoking(() => TlsCertificate.FromPfx(In("bare.pem"))).Should().Throw<TlsCertificateException>().WithMessage("*PEM and not PFX*FromPem*");
        File.WriteAllBytes(In("really.pem"), _first.Export(X509ContentType.Pkcs12));
        FluentActions.Invoking(() => TlsCertificate.FromPem(In("really.pem"))).Should().Throw<TlsCertificateException>().WithMessage("*no PEM*FromPfx*");
        using var bare = X509CertificateLoader.LoadCertificate(_first.RawData);
        FluentActions.Invoking(() => TlsCertificate.From(bare)).Should().Throw<TlsCertificateException>().WithMessage("*private key*");
    }

    [Theory]
    [InlineData("overwrite")]
    [InlineData("rename")]
    [InlineData("link")]
    [InlineData("kubernetes")]
    public void New_files_are_used_within_a_second_whichever_way_they_come(string way)
    {
        var path = Lay(way, _first, "one");
        var certificate = Watched(TlsCertificate.FromPem(Path.Combine(path, "tls.crt"), Path.Combine(path, "tls.key")));
        certificate.Certificate.Thumbprint.Should().Be(_first.Thumbprint);

        Lay(way, _second, "two");
        _time.Advance(TimeSpan.FromSeconds(1));

        certificate.Certificate.Thumbprint.Should().Be(_second.Thumbprint);
        var line = _logs.GetSnapshot().Should().ContainSingle().Subject;
        line.Id.Id.Should().Be(51);
        line.Message.Should().EndWith($"valid until {_second.NotAfter.ToUniversalTime():u}");
    }

    [Fact]
    public void New_contents_with_the_old_time_and_length_are_noticed()
    {
        var (one, two) = (_first.Export(X509ContentType.Pkcs12), _second.Export(X509ContentType.Pkcs12));
        File.WriteAllBytes(In("c.pfx"), one);
        var certificate = Watched(TlsCertificate.FromPfx(In("c.pfx")));
        var time = File.GetLastWriteTimeUtc(In("c.pfx"));

        File.WriteAllBytes(In("c.pfx"), two);
        File.SetLastWriteTimeUtc(In("c.pfx"), time);
        _time.Advance(TimeSpan.FromSeconds(1));

        certificate.Certificate.Thumbprint.Should().Be(_second.Thumbprint);
    }

    [Fact]
    public void A_broken_new_file_keeps_the_old_certificate_and_is_told_once()
    {
        var certificate = Watched(TlsCertificate.FromPem(Path.Combine(Lay("overwrite", _first, ""), "tls.crt"), In("tls.key")));

        File.WriteAllText(In("tls.crt"), "-----BEGIN CERTIFICATE-----\nMII");
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            certificate.Certificate.Thumbprint.Should().Be(_first.Thumbprint);
        }

        var line = _logs.GetSnapshot().Should().ContainSingle().Subject;
        line.Id.Id.Should().Be(52);
        line.Level.Should().Be(LogLevel.Error);
        line.Message.Should().Contain("tls.crt").And.Contain($"valid until {_first.NotAfter.ToUniversalTime():u}");

        File.Delete(In("tls.crt"));
        _time.Advance(TimeSpan.FromSeconds(1));
        _ = certificate.Certificate;
        _time.Advance(TimeSpan.FromSeconds(1));
        certificate.Certificate.Thumbprint.Should().Be(_first.Thumbprint);
        _logs.GetSnapshot().Should().HaveCount(2, "another trouble is told again");

        for (var i = 0; i < 30; i++)
        {
            File.WriteAllText(In("tls.crt"), $"rubbish {i}");
            _time.Advance(TimeSpan.FromSeconds(1));
            certificate.Certificate.Thumbprint.Should().Be(_first.Thumbprint);
        }

        _logs.GetSnapshot().Should().HaveCount(3, "contents that never rest are told, too");

        Lay("overwrite", _second, "");
        _time.Advance(TimeSpan.FromSeconds(1));
        certificate.Certificate.Thumbprint.Should().Be(_second.Thumbprint);
        _logs.LatestRecord.Id.Id.Should().Be(51);
    }

    [Fact]
    public void Whatever_a_new_file_makes_the_loader_throw_the_old_certificate_stays_and_the_log_says_so()
    {
        TestAuthority.WriteOwn(In("c"), "good");
        var good = TlsCertificate.From(_first).Fresh();
        var certificate = Watched(new TlsCertificateFile([In("c")], contents => contents[0].Length == 4 ? good : throw new InvalidOperationException("odd")));

        File.WriteAllText(In("c"), "not so good");
        for (var i = 0; i < 3; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            certificate.Certificate.Thumbprint.Should().Be(_first.Thumbprint);
        }

        _logs.GetSnapshot().Should().ContainSingle().Which.Id.Id.Should().Be(52);
    }

    [Fact]
    public void A_pair_that_is_half_replaced_is_no_alarm()
    {
        var certificate = Watched(TlsCertificate.FromPem(Path.Combine(Lay("overwrite", _first, ""), "tls.crt"), In("tls.key")));
        var (text, key) = TestAuthority.Pem(_second);

        File.WriteAllText(In("tls.crt"), text);
        _time.Advance(TimeSpan.FromSeconds(1));
        certificate.Certificate.Thumbprint.Should().Be(_first.Thumbprint);
        TestAuthority.WriteOwn(In("tls.key"), key);
        _time.Advance(TimeSpan.FromSeconds(1));

        certificate.Certificate.Thumbprint.Should().Be(_second.Thumbprint);
        _logs.GetSnapshot().Should().ContainSingle().Which.Id.Id.Should().Be(51);
    }

    [Fact]
    public void Days_to_expiry_follow_the_clock()
    {
        var certificate = Watched(TlsCertificate.From(_first));

        certificate.DaysToExpiry.Should().BeApproximately(30, 0.1);
        _time.Advance(TimeSpan.FromDays(31));
        certificate.DaysToExpiry.Should().BeApproximately(-1, 0.1);
        certificate.NotAfter.Should().Be(new DateTimeOffset(_first.NotAfter));
    }

    [Fact]
    public async Task A_listener_tells_when_its_first_certificate_expires_and_the_meter_how_many_days_are_left()
    {
        var options = new TlsListenOptions { Certificate = TlsCertificate.From(TestAuthority.Shared.Issue(to: 20, subject: "gauge a")) };
        options.ServerNames.Add("example.com", TlsCertificate.From(TestAuthority.Shared.Issue(to: 10, subject: "gauge b")));
        var network = new InMemoryNetwork();
        var listener = Listen.Tls(network.Listen("server"), options);
        listener.CertificateExpires!.Value.Should().BeCloseTo(DateTimeOffset.UtcNow.AddDays(10), TimeSpan.FromMinutes(5));
        network.Listen("plain").CertificateExpires.Should().BeNull();

        Days().Should().BeEmpty();
        await listener.BindAsync(new() { Logger = new FakeLogger(_logs), TimeProvider = _time }, CancellationToken.None);
        Days().Keys.Should().BeEquivalentTo("gauge a", "gauge b");
        Days()["gauge b"].Should().BeApproximately(10, 0.1);
        await listener.DisposeAsync();
        Days().Should().BeEmpty();

        static Dictionary<string, double> Days()
        {
            var days = new Dictionary<string, double>();
            using var meter = new MeterListener();
            meter.InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Name == "socketkit.tls.certificate.expiry")
                {
                    self.EnableMeasurementEvents(instrument);
                }
            };
            meter.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
            {
                if (tags[0].Value is string name && name.StartsWith("gauge", StringComparison.Ordinal))
                {
                    days[name] = TimeSpan.FromSeconds(value).TotalDays;
                }
            });
            meter.Start();
            meter.RecordObservableInstruments();
            return days;
        }
    }

    [Fact]
    public async Task A_listener_tells_of_a_broken_file_although_nobody_comes()
    {
        var certificate = TlsCertificate.FromPem(Path.Combine(Lay("overwrite", _first, ""), "tls.crt"), In("tls.key"));
        var listener = Listen.Tls(new InMemoryNetwork().Listen("server"), new TlsListenOptions { Certificate = certificate });
        await listener.BindAsync(new() { Logger = new FakeLogger(_logs), TimeProvider = _time }, CancellationToken.None);

        File.WriteAllText(In("tls.key"), "nonsense");
        _time.Advance(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromSeconds(1));

        _logs.GetSnapshot().Should().ContainSingle().Which.Id.Id.Should().Be(52);
        await listener.DisposeAsync();
    }

    [Fact]
    public void A_development_certificate_is_for_the_names_given_and_leaves_its_key_behind_when_exported()
    {
        var certificate = TlsCertificate.CreateDevelopment("device.test", "10.0.0.1");

        certificate.Certificate.MatchesHostname("device.test").Should().BeTrue();
        certificate.Certificate.MatchesHostname("10.0.0.1").Should().BeTrue();
        certificate.Certificate.MatchesHostname("localhost").Should().BeFalse();
        TlsCertificate.CreateDevelopment().Certificate.MatchesHostname("localhost").Should().BeTrue();
        certificate.ExportPem().Should().Contain("CERTIFICATE").And.NotContain("KEY");
        certificate.DaysToExpiry.Should().BeInRange(80, 91);
    }

    private TlsCertificate Watched(TlsCertificate certificate)
    {
        certificate.Use(new() { Logger = new FakeLogger(_logs), TimeProvider = _time });
        return certificate;
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>Puts a certificate where the way has it, and tells the folder.</summary>
    private string Lay(string way, X509Certificate2 certificate, string version)
    {
        var (text, key) = TestAuthority.Pem(certificate);
        var folder = way is "link" or "kubernetes" ? Directory.CreateDirectory(In(version)).FullName : _folder.FullName;
        foreach (var (name, content) in new[] { ("tls.crt", text), ("tls.key", key) })
        {
            var path = Path.Combine(folder, name);
            if (way == "rename")
            {
                TestAuthority.WriteOwn(path + ".new", content);
                File.Move(path + ".new", path, overwrite: true);
            }
            else
            {
                TestAuthority.WriteOwn(path, content);
            }

            if (way == "link")
            {
                Replace(In(name), Path.Combine(version, name));
            }
            else if (way == "kubernetes" && !File.Exists(In(name)))
            {
                File.CreateSymbolicLink(In(name), Path.Combine("..data", name));
            }
        }

        if (way == "kubernetes")
        {
            Replace(In("..data"), version);
        }

        return _folder.FullName;

        void Replace(string link, string target)
        {
            File.Delete(link);
            File.CreateSymbolicLink(link, target);
        }
    }
}
