using Microsoft.Extensions.DependencyInjection;
using SocketKit.AspNetCore.Endpoints;
using KestrelListenOptions = Microsoft.AspNetCore.Server.Kestrel.Core.ListenOptions;

namespace SocketKit;

/// <summary>Runs SocketKit protocols on Kestrel's end points, next to HTTP.</summary>
public static class SocketKitEndpointExtensions
{
    /// <summary>
    /// Serves this end point with a SocketKit protocol instead of HTTP: plain, or behind <c>UseHttps()</c> and whatever other connection
    /// middleware came before. For an end point whose server nobody else asks for; handlers have it as <see cref="IConnection.Server"/>. To
    /// reach it from the rest of the application, give it a name:
    /// <see cref="AddSocketKitEndpoint(IServiceCollection, string, Action{SocketServerOptions})"/>.
    /// </summary>
    /// <param name="listenOptions">Kestrel's end point.</param>
    /// <param name="configure">Sets the framer, the handler and the rest. <see cref="SocketServerOptions.Listeners"/> stays empty, since
    /// Kestrel listens. <see cref="ConnectionOptions.LoggerFactory"/> is the application's, and so is
    /// <see cref="ConnectionOptions.TimeProvider"/> if one is registered, unless set here.</param>
    /// <returns>The same end point. The protocol is the end of its pipeline: middleware that is added behind it sees no
    /// connection.</returns>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    /// <remarks>
    /// The server begins its drain when the application stops. Limits, heartbeats and time-outs are SocketKit's; of Kestrel's,
    /// <c>MaxConcurrentConnections</c> counts only upgraded and HTTP connections. <see cref="ISocketServer.EndPoints"/> shows the address
    /// as it was asked for: with port 0, ask Kestrel for the bound one.
    /// </remarks>
    public static KestrelListenOptions UseSocketKit(this KestrelListenOptions listenOptions, Action<SocketServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(listenOptions);
        ArgumentNullException.ThrowIfNull(configure);
        return Use(listenOptions, KestrelEndpoint.Create(listenOptions.ApplicationServices, name: null, (_, options) => configure(options)));
    }

    /// <summary>
    /// Serves this end point with the server that
    /// <see cref="AddSocketKitEndpoint(IServiceCollection, string, Action{SocketServerOptions})"/> has registered under this name. Several
    /// end points may share one.
    /// </summary>
    /// <param name="listenOptions">Kestrel's end point.</param>
    /// <param name="name">The name that it was registered with; case-sensitive.</param>
    /// <returns>The same end point. The protocol is the end of its pipeline: middleware that is added behind it sees no
    /// connection.</returns>
    /// <exception cref="InvalidOperationException">No server for Kestrel's end points has this name.</exception>
    /// <exception cref="OptionsException">An option is missing or out of range.</exception>
    public static KestrelListenOptions UseSocketKit(this KestrelListenOptions listenOptions, string name)
    {
        ArgumentNullException.ThrowIfNull(listenOptions);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return Use(listenOptions, listenOptions.ApplicationServices.GetKeyedService<KestrelEndpoint>(name) ?? throw new InvalidOperationException(
            $"No server for Kestrel's end points has the name {name}; type services.AddSocketKitEndpoint(\"{name}\", ...). A server of AddSocketServer listens itself, and has no place here"));
    }

    /// <summary>
    /// Registers a server for Kestrel's end points, as the keyed service <see cref="ISocketServer"/>: so the rest of the application
    /// reaches its connections. <see cref="UseSocketKit(KestrelListenOptions, string)"/> puts it on an end point. Kestrel listens and the
    /// application's stop drains it; <c>AddSocketServer</c> of SocketKit.Hosting registers a server that listens itself.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The service key, and the server's name in metrics (<see cref="ConnectionOptions.Name"/>).</param>
    /// <param name="configure">Sets the framer, the handler and the rest. <see cref="SocketServerOptions.Listeners"/> stays empty.
    /// <see cref="ConnectionOptions.LoggerFactory"/> is the application's, and so is
    /// <see cref="ConnectionOptions.TimeProvider"/> if one is registered, unless set here. Called once, when the server is made.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentException">The name is empty, or in use by another server; upper and lower case make no
    /// difference.</exception>
    public static IServiceCollection AddSocketKitEndpoint(this IServiceCollection services, string name, Action<SocketServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return services.AddSocketKitEndpoint(name, (_, options) => configure(options));
    }

    /// <summary>
    /// The same as <see cref="AddSocketKitEndpoint(IServiceCollection, string, Action{SocketServerOptions})"/>, with options that need
    /// other services.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The service key, and the server's name in metrics.</param>
    /// <param name="configure">Sets the framer, the handler and the rest; gets the services of the whole application, so nothing
    /// scoped.</param>
    /// <returns>The same services.</returns>
    /// <exception cref="ArgumentException">The name is empty, or in use by another server; upper and lower case make no
    /// difference.</exception>
    public static IServiceCollection AddSocketKitEndpoint(this IServiceCollection services, string name, Action<IServiceProvider, SocketServerOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(configure);
        CheckName(services, name);
        services.AddKeyedSingleton(name, (provider, _) => KestrelEndpoint.Create(provider, name, configure));
        return services.AddKeyedSingleton<ISocketServer>(name, static (provider, key) => provider.GetRequiredKeyedService<KestrelEndpoint>(key).Server);
    }

    private static KestrelListenOptions Use(KestrelListenOptions listenOptions, KestrelEndpoint endpoint)
    {
        endpoint.Open(listenOptions.EndPoint, listenOptions.ApplicationServices);
        listenOptions.Use(_ => endpoint.RunAsync);
        return listenOptions;
    }

    private static void CheckName(IServiceCollection services, string name)
    {
        // Of two services under one key the last one wins in silence, whoever registered the first: SocketKit.Hosting gives its servers the
        // same keys. It does not tell upper from lower case, so neither does this.
        if (services.FirstOrDefault(service => service.ServiceType == typeof(ISocketServer) && service.ServiceKey is string key && key.Equals(name, StringComparison.OrdinalIgnoreCase)) is { ServiceKey: var other })
        {
            throw new ArgumentException($"There is a server {other} already; give this one a name that differs in more than upper and lower case", nameof(name));
        }
    }
}
