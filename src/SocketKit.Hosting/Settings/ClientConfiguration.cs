using Microsoft.Extensions.Configuration;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Settings;

/// <summary>What configuration says of one client, and what a client cannot do without.</summary>
internal sealed class ClientConfiguration(ClientRegistration registration, IConfiguration? configuration) : HostedConfiguration<SocketClientOptions>(registration.Name, configuration)
{
    protected override void Apply(IConfiguration configuration, SocketClientOptions options, List<string> failures)
    {
        if (SettingsReader.ReadClient(configuration, registration.Section, failures) is not { } settings)
        {
            return;
        }

        registration.Weakened = settings.ApplyTo(options, registration.Section, failures);
        if (settings.WaitForConnection is { } wait)
        {
            registration.WaitForConnection = SettingTime.Parse(wait);
        }
    }

    protected override void FindMissing(SocketClientOptions options, List<string> failures)
    {
        if (options.Dialer is null)
        {
            failures.Add($"{registration.Section}:Connect: no address to connect to; type tcp://127.0.0.1:9000, say, or options.Dialer = Dial.Tcp(\"127.0.0.1\", 9000) in the program");
        }

        FindMissingFramer(options, registration.Section, failures);
    }
}
