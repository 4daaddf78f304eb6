using Microsoft.Extensions.DependencyInjection;
using SocketKit.Hosting.Scopes;

namespace SocketKit.Hosting.Services;

/// <summary>
/// Tells what lives as long as the program from what lives in a scope. Read when a server or client is made, so that registrations behind
/// ours count.
/// </summary>
internal static class HandlerLifetime
{
    public static bool IsSingleton(IServiceCollection services, Type type) =>
        services.LastOrDefault(service => service.ServiceType == type && !service.IsKeyedService)?.Lifetime == ServiceLifetime.Singleton;

    /// <summary>A handler per connection in a scope of its own; one for all where it is a singleton.</summary>
    public static void Set(ConnectionOptions options, IServiceProvider provider, IServiceCollection services, Type handler)
    {
        if (IsSingleton(services, handler))
        {
            var shared = (ConnectionHandler)provider.GetRequiredService(handler);
            options.HandlerFactory = _ => shared;
            return;
        }

        var scopes = new HandlerScopes(provider.GetRequiredService<IServiceScopeFactory>(), handler, HostingLog.Create(provider));
        options.HandlerFactory = scopes.Create;
        options.ReleaseHandler = scopes.ReleaseAsync;
    }
}
