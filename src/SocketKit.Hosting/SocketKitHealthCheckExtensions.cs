using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using SocketKit.Hosting.Health;

namespace SocketKit;

/// <summary>Health checks of hosted servers and clients.</summary>
public static class SocketKitHealthCheckExtensions
{
    /// <summary>
    /// Adds a check of each server, client and watched certificate, with the tag <c>ready</c>, and one with the tag <c>live</c>. All have
    /// the tag <c>socketkit</c>.
    /// </summary>
    /// <remarks>
    /// <list type="bullet">
    /// <item><c>socketkit_live</c>: healthy as long as the process runs code; a restart would help nobody otherwise.</item>
    /// <item><c>socketkit_server_name</c>: unhealthy before the start, from the moment when the host begins to stop, and when a certificate
    /// of its listeners has expired; degraded while the server is full and refuses connections, and when a certificate soon expires.</item>
    /// <item><c>socketkit_client_name</c>: degraded while the client is not connected.</item>
    /// <item><c>socketkit_certificate_name</c>: degraded when the certificate soon expires, unhealthy when it has expired.</item>
    /// </list>
    /// A readiness probe takes the tag <c>ready</c>. Degraded is a warning: by default ASP.NET Core answers it with 200, as it should,
    /// since a restart or less traffic would not cure it.
    /// </remarks>
    /// <param name="builder">What <c>AddHealthChecks()</c> returned.</param>
    /// <param name="configure">Changes options; null for the defaults.</param>
    /// <returns>The same builder.</returns>
    public static IHealthChecksBuilder AddSocketKit(this IHealthChecksBuilder builder, Action<SocketKitHealthOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (configure is not null)
        {
            builder.Services.Configure(configure);
        }

        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<HealthCheckServiceOptions>, HealthRegistrations>());
        return builder;
    }
}
