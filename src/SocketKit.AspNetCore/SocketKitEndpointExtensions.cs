using Microsoft.Extensions.DependencyInjection;
using SocketKit.AspNetCore.Endpoints;
using KestrelListenOptions = Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions;

namespace SocketKit;

/// <summary>Runs SocketKit protocols on Kestrel's end points, next to HTTP.</summary>
public static class SocketKitEndpointExtensions
{
    /// <summary>Serves this end point with a SocketKit protocol instead of HTTP: plain, or behind <c>UseHttps()</c> and whatever other connection middleware came before.</summary>
    /// <param name="listenOptions">Kestrel's end point.</param>
    /// <param name="configure">Sets the framer, the handler and the rest. <see cref="SocketServerOptions.Listeners"/> stays empty, since Kestrel listens. Without a <see cref="ConnectionOptions.LoggerFactory"/> the application's is taken.</param>
    /// <returns>The server of this end point's connections. It is started; it begins its drain when the application stops.</returns>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    /// <remarks>Limits, heartbeats and time-outs are SocketKit's; of Kestrel's, <c>MaxConcurrentConnections</c> counts only upgraded and HTTP connections. <see cref="ISocketServer.EndPoints"/> shows the address as it was asked for: with port 0, ask Kestrel
    /// for the bound one.</remarks>
    public static ISocketServer UseSocketKit(this KestrelListenOptions listenOptions, Action<SocketServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(listenOptions);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new SocketServerOptions();
        configure(options);
        return Use(listenOptions, new KestrelEndpoint(options));
    }

    /// <summary>Serves this end point with a server that <see cref="AddSocketKitServer(IServiceCollection, string, Action{IServiceProvider, SocketServerOptions})"/> has registered. Several end points may share one.</summary>
    /// <param name="listenOptions">Kestrel's end point.</param>
    /// <param name="name">The name that it was registered with.</param>
    /// <returns>The server; also to be had as the keyed service <see cref="ISocketServer"/>.</returns>
    /// <exception cref="InvalidOperationException">No server has this name.</exception>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    public static ISocketServer UseSocketKit(this KestrelListenOptions listenOptions, string name)
    {
        ArgumentNullException.ThrowIfNull(listenOptions);
        ArgumentException.ThrowIfNullOrEmpty(name);
        return Use(listenOptions, listenOptions.ApplicationServices.GetRequiredKeyedService<KestrelEndpoint>(name));
    }

    /// <summary>Registers a server for Kestrel's end points, as the keyed service <see cref="ISocketServer"/>: so the rest of the application reaches its connections. <see cref="UseSocketKit(KestrelListenOptions, string)"/> puts it on an end point.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The service key.</param>
    /// <param name="configure">Sets the framer, the handler and the rest. <see cref="SocketServerOptions.Listeners"/> stays empty.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddSocketKitServer(this IServiceCollection services, string name, Action<SocketServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddSocketKitServer(name, (_, options) => configure(options));
    }

    /// <summary>Registers a server for Kestrel's end points, as the keyed service <see cref="ISocketServer"/>, with options that need other services. <see cref="UseSocketKit(KestrelListenOptions, string)"/> puts it on an end point.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The service key.</param>
    /// <param name="configure">Sets the framer, the handler and the rest. <see cref="SocketServerOptions.Listeners"/> stays empty.</param>
    /// <returns>The same services.</returns>
    public static IServiceCollection AddSocketKitServer(this IServiceCollection services, string name, Action<IServiceProvider, SocketServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(configure);
        services.AddKeyedSingleton(name, (provider, _) =>
        {
            var options = new SocketServerOptions();
            configure(provider, options);
            return new KestrelEndpoint(options);
        });
        return services.AddKeyedSingleton<ISocketServer>(name, static (provider, key) => provider.GetRequiredKeyedService<KestrelEndpoint>(key).Server);
    }

    private static SocketServer Use(KestrelListenOptions listenOptions, KestrelEndpoint endpoint)
    {
        endpoint.Open(listenOptions.EndPoint, listenOptions.ApplicationServices);
        listenOptions.Use(_ => endpoint.RunAsync);
        return endpoint.Server;
    }
}
