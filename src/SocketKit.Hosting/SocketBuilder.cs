using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SocketKit.Hosting.Services;

namespace SocketKit;

/// <summary>
/// What <see cref="SocketServerBuilder"/> and <see cref="SocketClientBuilder"/> have in common. What configuration says counts more than
/// what is said here. For the last word use <c>services.PostConfigure&lt;SocketServerOptions&gt;(name, ...)</c> behind the registration (or
/// the client's options). Not thread-safe.
/// </summary>
/// <typeparam name="TBuilder">The builder itself, which every method returns.</typeparam>
/// <typeparam name="TOptions">What it configures.</typeparam>
/// <remarks>The library derives from it; programs cannot. A minor version may add members.</remarks>
[DebuggerDisplay("{Name}")]
public abstract class SocketBuilder<TBuilder, TOptions>
    where TBuilder : SocketBuilder<TBuilder, TOptions>
    where TOptions : ConnectionOptions
{
    private readonly Registration<TOptions> _registration;

    private protected SocketBuilder(IServiceCollection services, Registration<TOptions> registration)
    {
        Services = services;
        _registration = registration;
    }

    /// <summary>The name of the server or client: the key of its services, and of its options and configuration.</summary>
    public string Name => _registration.Name;

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    private TBuilder Self => (TBuilder)this;

    /// <summary>Sets options. Called when the server or client is made, in the order of registration.</summary>
    /// <param name="configure">Changes the options.</param>
    public TBuilder Configure(Action<TOptions> configure)
    {
        Services.Configure(Name, configure);
        return Self;
    }

    /// <summary>
    /// Sets options with the help of other services. Called when the server or client is made, in the order of registration.
    /// </summary>
    /// <param name="configure">Changes the options; gets the services of the whole application, so nothing scoped.</param>
    public TBuilder Configure(Action<IServiceProvider, TOptions> configure)
    {
        Registrations.Configure(Services, Name, configure);
        return Self;
    }

    /// <summary>Reads the settings from another place than <c>SocketKit:Servers:name</c> or <c>SocketKit:Clients:name</c>.</summary>
    /// <param name="sectionPath">The configuration key, such as <c>Gateway:Devices</c>.</param>
    public TBuilder BindConfiguration(string sectionPath)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(sectionPath);
        _registration.Section = sectionPath;
        return Self;
    }

    /// <summary>
    /// A handler per connection, made by the container in a scope of its own; the scope, and with it the handler if it is disposable, is
    /// disposed of when the connection has ended, behind <see cref="ConnectionHandler.OnClosedAsync"/>. In this scope
    /// <see cref="IConnection"/> can be injected. A handler that is registered as a singleton serves all connections, without a scope. Each
    /// reconnect of a client is a new connection, with a new handler.
    /// </summary>
    /// <typeparam name="THandler">The handler; registered as scoped if it is not registered.</typeparam>
    public TBuilder UseHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>()
        where THandler : ConnectionHandler
    {
        Services.TryAddScoped<THandler>();
        _registration.Handler = typeof(THandler);
        return Self;
    }

    /// <summary>Cuts messages out of the stream by a framer from the container.</summary>
    /// <typeparam name="TFramer">The framer; registered as a singleton if it is not registered. One instance serves all
    /// connections.</typeparam>
    public TBuilder UseFramer<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TFramer>()
        where TFramer : class, IFramer
    {
        Services.TryAddSingleton<TFramer>();
        return Configure(static (services, options) => options.Framer = services.GetRequiredService<TFramer>());
    }

    /// <summary>Cuts messages out of the stream by this framer.</summary>
    /// <param name="framer">The framer; see <see cref="Framers"/>.</param>
    public TBuilder UseFramer(IFramer framer)
    {
        ArgumentNullException.ThrowIfNull(framer);
        return Configure(options => options.Framer = framer);
    }

    /// <summary>Finds dead peers by a policy from the container.</summary>
    /// <typeparam name="TPolicy">The policy; registered as a singleton if it is not registered. One instance serves all
    /// connections.</typeparam>
    public TBuilder UseHeartbeat<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TPolicy>()
        where TPolicy : class, IHeartbeatPolicy
    {
        Services.TryAddSingleton<TPolicy>();
        return Configure(static (services, options) => options.Heartbeat = services.GetRequiredService<TPolicy>());
    }

    /// <summary>Finds dead peers by this policy.</summary>
    /// <param name="policy">The policy, such as <c>new BeaconHeartbeat("beat")</c>.</param>
    public TBuilder UseHeartbeat(IHeartbeatPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return Configure(options => options.Heartbeat = policy);
    }
}
