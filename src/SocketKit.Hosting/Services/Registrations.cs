using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using SocketKit.Hosting.Scopes;
using SocketKit.Hosting.Settings;

namespace SocketKit.Hosting.Services;

/// <summary>
/// The services of one server or client. Options are made in this order: what the host knows, what the program says, what configuration
/// says; then they are checked, when the host starts.
/// </summary>
internal static class Registrations
{
    public static ServerRegistration AddServer(IServiceCollection services, string name)
    {
        var registration = new ServerRegistration(name, services);
        Add<ServerRegistration, SocketServerOptions, ISocketServer>(services, registration, registration.SetHandler, configuration => new ServerConfiguration(registration, configuration), static options => new SocketServer(options));
        services.AddKeyedSingleton(name, (provider, _) => new HostedServer(registration, provider, HostingLog.Create(provider)));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<HostedServer>(name));
        return registration;
    }

    public static ClientRegistration AddClient(IServiceCollection services, string name)
    {
        var registration = new ClientRegistration(name, services);
        Add<ClientRegistration, SocketClientOptions, ISocketClient>(services, registration, SetClient, configuration => new ClientConfiguration(registration, configuration), static options => new SocketClient(options));
        services.AddKeyedSingleton(name, (provider, _) => new HostedClient(registration, provider, HostingLog.Create(provider)));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<HostedClient>(name));
        return registration;

        void SetClient(SocketClientOptions options, IServiceProvider provider)
        {
            options.Reconnect = new BackoffReconnect();
            registration.SetHandler(options, provider);
        }
    }

    /// <summary>Options that need other services.</summary>
    public static void Configure<TOptions>(IServiceCollection services, string name, Action<IServiceProvider, TOptions> configure)
        where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(configure);
        services.AddSingleton<IConfigureOptions<TOptions>>(provider => new ConfigureNamedOptions<TOptions>(name, options => configure(provider, options)));
    }

    /// <summary>What servers and clients have alike: the options, and the service by its key and, if it is the only one, without.</summary>
    private static void Add<TRegistration, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TOptions, TService>(
        IServiceCollection services, TRegistration registration, Action<TOptions, IServiceProvider> program, Func<IConfiguration?, HostedConfiguration<TOptions>> configuration, Func<TOptions, TService> create)
        where TRegistration : Registration<TOptions>
        where TOptions : ConnectionOptions
        where TService : class
    {
        ArgumentNullException.ThrowIfNull(services);
        var name = registration.Name;
        CheckName<TService>(services, registration.Role, name);
        services.AddOptions();
        services.TryAddScoped<ConnectionAccessor>();
        services.TryAddScoped<IConnection>(ConnectionAccessor.Inject);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ConfigurationWatch>());

        services.AddSingleton(registration);
        Configure<TOptions>(services, name, (provider, options) =>
        {
            SetHost(options, provider, name);
            program(options, provider);
        });
        services.AddSingleton<IPostConfigureOptions<TOptions>>(provider => configuration(provider.GetService<IConfiguration>()));
        services.AddSingleton<IValidateOptions<TOptions>>(_ => configuration(null));
        services.AddOptions<TOptions>(name).ValidateOnStart();

        services.AddKeyedSingleton(name, (provider, _) => create(provider.GetRequiredService<IOptionsMonitor<TOptions>>().Get(name)));
        services.TryAddSingleton(static provider => provider.GetRequiredKeyedService<TService>(Single<TService>([.. provider.GetServices<TRegistration>().Select(one => (one.Role, one.Name))])));
    }

    private static void SetHost(ConnectionOptions options, IServiceProvider provider, string name)
    {
        // What tells it from others on a dashboard.
        options.Name = name;
        options.LoggerFactory = provider.GetService<ILoggerFactory>();
        options.TimeProvider = provider.GetService<TimeProvider>() ?? options.TimeProvider;
    }

    private static void CheckName<TService>(IServiceCollection services, string role, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Contains(':', StringComparison.Ordinal))
        {
            throw new ArgumentException($"\"{name}\" holds a colon, which separates the parts of a configuration key; leave it out", nameof(name));
        }

        // Configuration and health checks do not tell upper from lower case. Whoever else has a server under this key would be started as
        // ours.
        if (services.FirstOrDefault(service => service.ServiceType == typeof(TService) && service.ServiceKey is string key && key.Equals(name, StringComparison.OrdinalIgnoreCase)) is { ServiceKey: var other })
        {
            throw new ArgumentException($"There is a {role} {other} already; give this one a name that differs in more than upper and lower case", nameof(name));
        }
    }

    private static string Single<TService>((string Role, string Name)[] all) => all.Length == 1
        ? all[0].Name
        : throw new InvalidOperationException($"There are {all.Length} {all[0].Role}s ({string.Join(", ", all.Select(one => one.Name))}), so {typeof(TService).Name} alone does not say which; ask for one by its name, such as [FromKeyedServices(\"{all[0].Name}\")] {typeof(TService).Name}");
}
