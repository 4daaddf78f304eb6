using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.IntegrationTests;

/// <summary>The line of a start says how each listener is protected.</summary>
[Trait("Fault", "X56")]
public class StartLineTests
{
    public static TheoryData<Func<Listener>, string> Listeners
    {
        get
        {
            var all = new TheoryData<Func<Listener>, string>
            {
                { () => Listen.Tcp("127.0.0.1", 0), "TCP, not encrypted" },
                { () => Tls(ClientCertificateMode.None), "TLS, no client certificates" },
                { () => Tls(ClientCertificateMode.Allowed), "TLS, client certificates allowed" },
                { () => Tls(ClientCertificateMode.Required), "TLS, client certificates required" },
                { () => new InMemoryNetwork().Listen("here"), "in memory" },
            };
            if (OperatingSystem.IsLinux())
            {
                all.Add(() => Listen.Unix($"@{Guid.NewGuid():N}"), "Unix socket for every user");
                all.Add(() => Listen.Unix(NewPath()), "Unix socket, mode 600");
                all.Add(() => Listen.Unix(NewPath(), new UnixListenOptions { Permissions = (UnixFileMode)0x1B0 }), "Unix socket, mode 660");
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Listeners))]
    public async Task It_names_the_protection(Func<Listener> listen, string protection)
    {
        await using var server = await TestServer.StartAsync(configure: options => options.Listeners[0] = listen());

        server.Logs.GetSnapshot().Should().ContainSingle(record => record.Id.Id == 1).Which.Message.Should().Be($"Listening on {server.EndPoint} ({protection})");
    }

    private static Listener Tls(ClientCertificateMode mode) =>
        Listen.Tls("127.0.0.1", 0, TestAuthority.Shared.ListenOptions(options => options.ClientCertificateMode = mode));

    private static string NewPath() => Path.Combine(Path.GetTempPath(), $"sk-{Guid.NewGuid():N}"[..12]);
}
