using System.Net.Security;
using System.Security.Authentication;

namespace SocketKit.Tests.Transports.Tls;

public class TlsOptionsTests
{
    private readonly InMemoryNetwork _network = new();

    public static TheoryData<Action<TlsListenOptions>, string> WrongListenOptions => new()
    {
        { options => options.Certificate = null, "Certificate" },
        { options => options.Protocols = SslProtocols.None, "Protocols" },
        { options => Choose(options.CipherSuites, (TlsCipherSuite)0x1234), "CipherSuites" },
        { options => Choose(options.CipherSuites, TlsCipherSuite.TLS_AES_256_GCM_SHA384), "CipherSuites" },
        { options => Choose(options.CipherSuites, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384), "CipherSuites" },
#pragma warning disable CA5397, SYSLIB0039 // That they are refused is what is tested.
        { options => options.Protocols = SslProtocols.Tls11 | SslProtocols.Tls12, "Protocols" },
#pragma warning restore CA5397, SYSLIB0039
        { options => options.MaxHandshakes = 0, "MaxHandshakes" },
        { options => options.ClientCertificateMode = (ClientCertificateMode)7, "ClientCertificateMode" },
        { options => AskStrangers(options, ClientCertificateMode.Required), "ClientAuthorities" },
        { options => options.AcceptPeer = _ => false, "ClientCertificateMode" },
        { options => options.CheckRevocation = true, "ClientCertificateMode" },
        { options => AskStrangers(options, ClientCertificateMode.Allowed), "ClientAuthorities" },
        { options => options.ApplicationProtocols.Add(""), "ApplicationProtocols" },
        { options => options.ApplicationProtocols.Add(new string('x', 256)), "ApplicationProtocols" },
        { options => options.ServerNames.Add("a*.test", options.Certificate!), "ServerNames" },
        { options => options.ServerNames.Add("*", options.Certificate!), "ServerNames" },
        { options => options.ServerNames.Add("a.test", null!), "ServerNames" },
        { options => AddNames(options, "a.test", "A.test."), "ServerNames" },
        { options => AddNames(options, "*.bücher.test", "*.xn--bcher-kva.test"), "ServerNames" },
    };

    public static TheoryData<Action<TlsDialOptions>, string> WrongDialOptions => new()
    {
        { options => options.ServerName = null, "ServerName" },
        { options => options.ServerName = " ", "ServerName" },
        { options => options.ServerName = ".a.test", "ServerName" },
        { options => options.ServerName = "a..b", "ServerName" },
        { options => options.ServerName = "a.test:9000", "ServerName" },
        { options => options.ServerName = "https://a.test", "ServerName" },
        { options => options.ServerName = "a test", "ServerName" },
        { options => options.ServerName = "*.a.test", "ServerName" },
        { options => options.ServerName = "a.test..", "ServerName" },
        { options => options.ServerName = "[::1]:443", "ServerName" },
        { options => options.ServerName = new string('a', 64) + ".test", "ServerName" },
        { options => options.Protocols = SslProtocols.None, "Protocols" },
        { options => Choose(options.CipherSuites, (TlsCipherSuite)0x1234), "CipherSuites" },
        { options => Choose(options.CipherSuites, TlsCipherSuite.TLS_AES_256_GCM_SHA384), "CipherSuites" },
        { options => Choose(options.CipherSuites, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384), "CipherSuites" },
        { options => options.ApplicationProtocols.Add(""), "ApplicationProtocols" },
        { options => options.DangerousAcceptAnyCertificate = true, "DangerousAcceptAnyCertificate" },
    };

    [Theory]
    [MemberData(nameof(WrongListenOptions))]
    public void A_listener_names_the_option_that_is_wrong(Action<TlsListenOptions> spoil, string option) =>
        FluentActions.Invoking(() => Listen.Tls(_network.Listen("server"), TestAuthority.Shared.ListenOptions(spoil)))
            .Should().Throw<OptionsException>().Which.Option.Should().Be("TlsListenOptions." + option);

    [Theory]
    [MemberData(nameof(WrongDialOptions))]
    public void A_dialer_names_the_option_that_is_wrong(Action<TlsDialOptions> spoil, string option) =>
        FluentActions.Invoking(() => Dial.Tls(_network.Dial("server"), TestAuthority.Shared.DialOptions(spoil)))
            .Should().Throw<OptionsException>().Which.Option.Should().Be("TlsDialOptions." + option);

    [Theory]
    [InlineData(ClientCertificateMode.Required)]
    [InlineData(ClientCertificateMode.Allowed)]
    public void Asking_clients_for_certificates_of_anybodys_says_what_to_type(ClientCertificateMode mode)
    {
        var options = TestAuthority.Shared.ListenOptions(options => AskStrangers(options, mode));

        FluentActions.Invoking(() => Listen.Tls(_network.Listen("server"), options)).Should().Throw<OptionsException>().Which
            .Message.Should().ContainAll($"ClientCertificateMode is {mode}", "ClientAuthorities.ImportFromPemFile(", "?ca=", "AcceptPeer");
        options.AcceptPeer = _ => false;
        FluentActions.Invoking(() => Listen.Tls(_network.Listen("deciding"), options)).Should().NotThrow("the program decides");
        options.AcceptPeer = null;
        options.ClientCertificateMode = ClientCertificateMode.None;
        FluentActions.Invoking(() => Listen.Tls(_network.Listen("not asking"), options)).Should().NotThrow("nobody is asked");
    }

    [Fact]
    public void Authorities_for_clients_that_nobody_asks_are_a_slip()
    {
        var options = TestAuthority.Shared.ListenOptions();
        options.ClientAuthorities.Add(TestAuthority.Shared.Root);

        FluentActions.Invoking(() => Listen.Tls(_network.Listen("server"), options)).Should().Throw<OptionsException>().Which
            .Message.Should().ContainAll("TlsListenOptions.ClientCertificateMode", "is None", "ClientAuthorities would have no say", "ClientCertificateMode.Required");
    }

    [Fact]
    public void Accepting_any_certificate_beside_options_that_judge_it_names_them()
    {
        var options = new TlsDialOptions { ServerName = "localhost", DangerousAcceptAnyCertificate = true };
        var dialling = () => Dial.Tls(_network.Dial("server"), options);
        dialling.Should().NotThrow("it stands alone");

        options.CheckRevocation = true;
        dialling.Should().Throw<OptionsException>().WithMessage("TlsDialOptions.DangerousAcceptAnyCertificate: *, so that CheckRevocation would have no say; *");
        options.CheckRevocation = false;
        options.AcceptPeer = _ => false;
        dialling.Should().Throw<OptionsException>().WithMessage("TlsDialOptions.DangerousAcceptAnyCertificate: *, so that AcceptPeer would have no say; *");
        options.Authorities.Add(TestAuthority.Shared.Root);
        dialling.Should().Throw<OptionsException>().WithMessage("TlsDialOptions.DangerousAcceptAnyCertificate: *, so that Authorities and AcceptPeer would have no say; *");
    }

    [Fact]
    public void Addresses_say_that_they_are_TLS()
    {
        Dial.Tls("example.com", 9000).ToString().Should().Be("tls://example.com:9000");
        Dial.Tls(_network.Dial("server"), TestAuthority.Shared.DialOptions()).ToString().Should().Be("tls+memory://server");
        Listen.Tls("127.0.0.1", 9000, TestAuthority.Shared.ListenOptions()).ToString().Should().Be("tls://127.0.0.1:9000");
        Listen.Tls(9000, TestAuthority.Shared.ListenOptions()).EndPoint.ToString().Should().Contain("9000");
    }

    [Fact]
    public void Options_are_copied()
    {
        var options = TestAuthority.Shared.ListenOptions();
        var listener = Listen.Tls(_network.Listen("server"), options);

        options.Certificate = null;

        listener.CertificateExpires.Should().NotBeNull();
    }

    [Fact]
    public void A_copy_of_a_listeners_options_holds_all_of_them()
    {
        var options = TestAuthority.Shared.ListenOptions(options =>
        {
            options.ServerNames.Add("a.test", options.Certificate!);
            options.ApplicationProtocols.Add("x");
            options.Protocols = SslProtocols.Tls13;
            options.ClientCertificateMode = ClientCertificateMode.Allowed;
            options.CheckRevocation = true;
            options.AcceptPeer = _ => true;
            options.MaxHandshakes = 7;
            options.CipherSuites.Add(TlsCipherSuite.TLS_AES_256_GCM_SHA384);
            options.RefuseSharedKey = true;
        });

        HoldsTheSame(options.Copy(), options, new TlsListenOptions());
    }

    [Fact]
    public void A_copy_of_a_dialers_options_holds_all_of_them()
    {
        var options = TestAuthority.Shared.DialOptions(options =>
        {
            options.Certificate = TlsCertificate.From(TestAuthority.Shared.Issue());
            options.ApplicationProtocols.Add("x");
            options.Protocols = SslProtocols.Tls13;
            options.CheckRevocation = true;
            options.AcceptPeer = _ => true;
            options.DangerousAcceptAnyCertificate = true;
            options.CipherSuites.Add(TlsCipherSuite.TLS_AES_256_GCM_SHA384);
            options.RefuseSharedKey = true;
        });

        HoldsTheSame(options.Copy(), options, new TlsDialOptions());
    }

    /// <summary>Looks at every property there is, so that a new one is not forgotten.</summary>
    private static void HoldsTheSame<T>(T copy, T options, T defaults)
    {
        foreach (var property in typeof(T).GetProperties())
        {
            var (copied, original) = (property.GetValue(copy), property.GetValue(options));
            if (original is System.Collections.IEnumerable and not string)
            {
                copied.Should().NotBeSameAs(original, property.Name);
                ((System.Collections.IEnumerable)copied!).Cast<object>().Should().NotBeEmpty(property.Name).And.Equal(((System.Collections.IEnumerable)original).Cast<object>(), property.Name);
            }
            else
            {
                copied.Should().Be(original, property.Name).And.NotBe(property.GetValue(defaults), property.Name);
            }
        }
    }

    private static void AddNames(TlsListenOptions options, params string[] names)
    {
        foreach (var name in names)
        {
            options.ServerNames.Add(name, options.Certificate!);
        }
    }

    private static void Choose(IList<TlsCipherSuite> suites, TlsCipherSuite suite) => suites.Add(suite);

    private static void AskStrangers(TlsListenOptions options, ClientCertificateMode mode)
    {
        options.ClientCertificateMode = mode;
        options.ClientAuthorities.Clear();
    }
}
