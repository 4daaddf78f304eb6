using Microsoft.Extensions.Configuration;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Settings;

/// <summary>What configuration says of one server, and what a server cannot do without.</summary>
internal sealed class ServerConfiguration(ServerRegistration registration, IConfiguration? configuration) : HostedConfiguration<SocketServerOptions>(registration.Name, configuration)
{
    protected override void Apply(IConfiguration configuration, SocketServerOptions options, List<string> failures) =>
        registration.Weakened = SettingsReader.ReadServer(configuration, registration.Section, failures)?.ApplyTo(options, registration.Section, failures);

    protected override void FindMissing(SocketServerOptions options, List<string> failures)
    {
        if (options.Listeners.Count == 0)
        {
            failures.Add($"{registration.Section}:Listen: no address to listen on; type tcp://127.0.0.1:9000, say, or options.Listeners.Add(Listen.Tcp(9000)) in the program");
        }

        FindMissingFramer(options, registration.Section, failures);
        if (options.HandlerFactory is null)
        {
            failures.Add($"The server {registration.Name} has no handler; type AddSocketServer<THandler>(\"{registration.Name}\"), or UseReplies<TStrategy>() behind it");
        }
    }
}
