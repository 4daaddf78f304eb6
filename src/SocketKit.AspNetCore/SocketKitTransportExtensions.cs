using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SocketKit.AspNetCore.Connections;

namespace SocketKit;

/// <summary>Puts Kestrel on SocketKit's engine.</summary>
public static class SocketKitTransportExtensions
{
    /// <summary>
    /// Kestrel's IP end points are served by SocketKit's engine instead of the default transport; other end points (Unix sockets, named
    /// pipes, QUIC) stay where they were. Nothing else of the application changes.
    /// </summary>
    /// <param name="builder">The web host: <c>builder.WebHost</c> of a <c>WebApplicationBuilder</c>.</param>
    /// <param name="configure">Changes options; null for the defaults.</param>
    /// <returns>The same builder.</returns>
    /// <remarks>
    /// Application code that continues on the connection's thread runs on an event loop. It may block: then the loop is handed to another
    /// thread.
    /// </remarks>
    public static IWebHostBuilder UseSocketKitTransport(this IWebHostBuilder builder, Action<SocketKitTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(services => services.AddSocketKitTransport(configure));
    }

    /// <summary>The same as <see cref="UseSocketKitTransport"/>, on the services.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Changes options; null for the defaults.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddSocketKitTransport(this IServiceCollection services, Action<SocketKitTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.AddOptions();
        services.AddLogging();
        services.TryAddSingleton<TransportSettings>();
        services.TryAddSingleton<TransportFactory>();

        // Kestrel asks the last one first. Its own one is added only where there is none, so it has to be there before ours.
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, SocketTransportFactory>());
        if (!services.Any(service => service.ServiceType == typeof(IConnectionFactory) && service.ImplementationFactory == GetConnectionFactory))
        {
            services.AddSingleton<IConnectionListenerFactory>(GetListenerFactory);
            services.AddSingleton<IConnectionFactory>(GetConnectionFactory);
        }

        return services;
    }

    private static TransportFactory GetListenerFactory(IServiceProvider services) => services.GetRequiredService<TransportFactory>();

    private static TransportFactory GetConnectionFactory(IServiceProvider services) => services.GetRequiredService<TransportFactory>();
}
