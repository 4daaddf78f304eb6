using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Health;

/// <summary>Adds the checks when they are asked for, so that servers and clients that are registered later are among them.</summary>
internal sealed class HealthRegistrations(IEnumerable<ServerRegistration> servers, IEnumerable<ClientRegistration> clients, IOptions<SocketKitHealthOptions> health) : IConfigureOptions<HealthCheckServiceOptions>
{
    private static readonly string[] Live = ["socketkit", "live"];
    private static readonly string[] Ready = ["socketkit", "ready"];

    public void Configure(HealthCheckServiceOptions options)
    {
        var warning = health.Value.CertificateWarning;
        if (warning < TimeSpan.Zero)
        {
            throw new OptionsException($"{nameof(SocketKitHealthOptions)}.{nameof(SocketKitHealthOptions.CertificateWarning)}", $"{warning} is out of range; type a time from zero up, such as TimeSpan.FromDays(14)");
        }

        options.Registrations.Add(new HealthCheckRegistration("socketkit_live", new LiveCheck(), null, Live));
        foreach (var server in servers)
        {
            options.Registrations.Add(new HealthCheckRegistration("socketkit_server_" + server.Name, provider => new ServerCheck(provider.GetRequiredKeyedService<HostedServer>(server.Name), warning, Clock(provider)), null, Ready));
        }

        foreach (var client in clients)
        {
            options.Registrations.Add(new HealthCheckRegistration("socketkit_client_" + client.Name, provider => new ClientCheck(provider.GetRequiredKeyedService<HostedClient>(client.Name)), null, Ready));
        }

        foreach (var (name, notAfter) in health.Value.Certificates)
        {
            options.Registrations.Add(new HealthCheckRegistration(
                "socketkit_certificate_" + name, provider => new CertificateCheck(notAfter, warning, Clock(provider)), null, Ready));
        }
    }

    private static TimeProvider Clock(IServiceProvider provider) => provider.GetService<TimeProvider>() ?? TimeProvider.System;
}
