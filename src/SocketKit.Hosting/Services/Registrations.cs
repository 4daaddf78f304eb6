using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SocketKit.Hosting.Scopes;
using SocketKit.Hosting.Settings;

namespace SocketKit.Hosting.Services;

/// <summary>The services of one server or client. Options are made in this order: what the host knows, what the program says, what configuration says; then they are checked, when the host starts.</summary>
internal static class Registrations
{
    public static ServerRegistration AddServer(IServiceCollection services, string name)
    {
        ArgumentNullException.ThrowIfNull(services);
        CheckName(name);
        if (services.Any(service => service.ImplementationInstance is ServerRegistration other && other.Name == name))
        {
            throw new ArgumentException($"There is a server {name} already; give this one another name", nameof(name));
        }

        var registration = new ServerRegistration(name, services);
        AddShared(services);
        services.AddSingleton(registration);
        Configure<SocketServerOptions>(services, name, (provider, options) =>
        {
            SetHost(options, provider, name);
            registration.SetHandler(options, provider);
        });
        services.AddSingleton<IPostConfigureOptions<SocketServerOptions>>(provider => new ServerConfiguration(registration, provider.GetService<IConfiguration>()));
        services.AddSingleton<IValidateOptions<SocketServerOptions>>(_ => new ServerConfiguration(registration, null));
        services.AddOptions<SocketServerOptions>(name).ValidateOnStart();

        services.AddKeyedSingleton<ISocketServer>(name, static (provider, key) => new SocketServer(provider.GetRequiredService<IOptionsMonitor<SocketServerOptions>>().Get((string)key!)));
        services.TryAddSingleton<ISocketServer>(static provider => provider.GetRequiredKeyedService<ISocketServer>(
            Single("server", nameof(ISocketServer), provider.GetServices<ServerRegistration>().Select(server => server.Name))));
        services.AddKeyedSingleton(name, (provider, _) => new HostedServer(registration, provider, HostingLog.Create(provider)));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<HostedServer>(name));
        return registration;
    }

    public static ClientRegistration AddClient(IServiceCollection services, string name)
    {
        ArgumentNullException.ThrowIfNull(services);
        CheckName(name);
        if (services.Any(service => service.ImplementationInstance is ClientRegistration other && other.Name == name))
        {
            throw new ArgumentException($"There is a client {name} already; give this one another name", nameof(name));
        }

        var registration = new ClientRegistration(name);
        AddShared(services);
        services.AddSingleton(registration);
        Configure<SocketClientOptions>(services, name, (provider, options) =>
        {
            SetHost(options, provider, name);
            options.Reconnect = new BackoffReconnect();
            if (registration.Handler is { } handler)
            {
                HandlerLifetime.Set(options, provider, services, handler);
            }
        });
        services.AddSingleton<IPostConfigureOptions<SocketClientOptions>>(provider => new ClientConfiguration(registration, provider.GetService<IConfiguration>()));
        services.AddSingleton<IValidateOptions<SocketClientOptions>>(_ => new ClientConfiguration(registration, null));
        services.AddOptions<SocketClientOptions>(name).ValidateOnStart();

        services.AddKeyedSingleton<ISocketClient>(name, static (provider, key) => new SocketClient(provider.GetRequiredService<IOptionsMonitor<SocketClientOptions>>().Get((string)key!)));
        services.TryAddSingleton<ISocketClient>(static provider => provider.GetRequiredKeyedService<ISocketClient>(
            Single("client", nameof(ISocketClient), provider.GetServices<ClientRegistration>().Select(client => client.Name))));
        services.AddKeyedSingleton(name, (provider, _) => new HostedClient(registration, provider, HostingLog.Create(provider)));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<HostedClient>(name));
        return registration;
    }

    /// <summary>Options that need other services.</summary>
    public static void Configure<TOptions>(IServiceCollection services, string name, Action<IServiceProvider, TOptions> configure)
        where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddSingleton<IConfigureOptions<TOptions>>(provider => new ConfigureNamedOptions<TOptions>(name, options => configure(provider, options)));
    }

    private static void AddShared(IServiceCollection services)
    {
        services.AddOptions();
        services.TryAddScoped<ConnectionAccessor>();
        services.TryAddScoped<IConnection>(ConnectionAccessor.Inject);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ConfigurationWatch>());
    }

    private static void SetHost(ConnectionOptions options, IServiceProvider provider, string name)
    {
        // What tells it from others on a dashboard.
        options.Name = name;
        options.LoggerFactory = provider.GetService<ILoggerFactory>();
        options.TimeProvider = provider.GetService<TimeProvider>() ?? options.TimeProvider;
    }

    private static void CheckName(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Contains(':', StringComparison.Ordinal))
        {
            throw new ArgumentException($"\"{name}\" holds a colon, which separates the parts of a configuration key; leave it out", nameof(name));
        }
    }

    private static string Single(string role, string service, IEnumerable<string> names)
    {
        string[] all = [.. names];
        return all.Length == 1
            ? all[0]
            : throw new InvalidOperationException($"There are {all.Length} {role}s ({string.Join(", ", all)}), so {service} alone does not say which; ask for one by its name, such as [FromKeyedServices(\"{all[0]}\")] {service}");
    }
}
