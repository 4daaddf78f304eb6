using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SocketKit.Hosting.Services;

namespace SocketKit;

/// <summary>Says more of a server that <see cref="SocketKitHostingExtensions.AddSocketServer(IServiceCollection, string, Action{SocketServerOptions})"/> has registered. What configuration says below <c>SocketKit:Servers:name</c> counts more than what is said here.</summary>
/// <remarks>For the last word use <c>services.PostConfigure&lt;SocketServerOptions&gt;(name, ...)</c> behind the registration. Not thread-safe.</remarks>
public sealed class SocketServerBuilder
{
    private readonly ServerRegistration _registration;

    internal SocketServerBuilder(IServiceCollection services, ServerRegistration registration)
    {
        Services = services;
        _registration = registration;
    }

    /// <summary>The server's name: the key of its services, and of its options and configuration.</summary>
    public string Name => _registration.Name;

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Sets options. Called when the server is made, in the order of registration.</summary>
    /// <param name="configure">Changes the options.</param>
    public SocketServerBuilder Configure(Action<SocketServerOptions> configure)
    {
        Services.Configure(Name, configure);
        return this;
    }

    /// <summary>Sets options with the help of other services. Called when the server is made, in the order of registration.</summary>
    /// <param name="configure">Changes the options; gets the services of the whole application, so nothing scoped.</param>
    public SocketServerBuilder Configure(Action<IServiceProvider, SocketServerOptions> configure)
    {
        Registrations.Configure(Services, Name, configure);
        return this;
    }

    /// <summary>Reads the settings from another place than <c>SocketKit:Servers:name</c>.</summary>
    /// <param name="sectionPath">The configuration key, such as <c>Gateway:Devices</c>.</param>
    public SocketServerBuilder BindConfiguration(string sectionPath)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(sectionPath);
        _registration.Section = sectionPath;
        return this;
    }

    /// <summary>A handler per connection, made by the container in a scope of its own; the scope, and with it the handler if it is disposable, is disposed of when the connection has ended, behind <see cref="ConnectionHandler.OnClosedAsync"/>. In this
    /// scope <see cref="IConnection"/> can be injected. A handler that is registered as a singleton serves all connections, without a scope.</summary>
    /// <typeparam name="THandler">The handler; registered as scoped if it is not registered.</typeparam>
    public SocketServerBuilder UseHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>()
        where THandler : ConnectionHandler
    {
        Services.TryAddScoped<THandler>();
        _registration.Handler = typeof(THandler);
        return this;
    }

    /// <summary>Answers messages by a strategy. Said several times: the first that does not pass answers, in this order.</summary>
    /// <typeparam name="TStrategy">The strategy. Registered as scoped or transient, it is made in a scope per message (a database context goes there), which all of the server's scoped strategies share and in which <see cref="IConnection"/> can be injected; as a
    /// singleton it serves all messages, and no scope is made for it.</typeparam>
    /// <param name="lifetime">How to register it if it is not registered. Default: scoped, which is right for every strategy; singleton saves the cost of a scope, and needs one that is thread-safe.</param>
    public SocketServerBuilder UseReplies<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TStrategy>(ServiceLifetime lifetime = ServiceLifetime.Scoped)
        where TStrategy : class, IReplyStrategy
    {
        Services.TryAdd(new ServiceDescriptor(typeof(TStrategy), typeof(TStrategy), lifetime));
        _registration.Replies.Add(typeof(TStrategy));
        return this;
    }

    /// <summary>Answers messages by a strategy that is there already and serves all connections, so it is thread-safe. Said several times: the first that does not pass answers, in this order.</summary>
    /// <param name="strategy">The strategy.</param>
    public SocketServerBuilder UseReplies(IReplyStrategy strategy)
    {
        ArgumentNullException.ThrowIfNull(strategy);
        _registration.Replies.Add(strategy);
        return this;
    }

    /// <summary>Cuts messages out of the stream by a framer from the container.</summary>
    /// <typeparam name="TFramer">The framer; registered as a singleton if it is not registered. One instance serves all connections.</typeparam>
    public SocketServerBuilder UseFramer<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TFramer>()
        where TFramer : class, IFramer
    {
        Services.TryAddSingleton<TFramer>();
        return Configure(static (services, options) => options.Framer = services.GetRequiredService<TFramer>());
    }

    /// <summary>Cuts messages out of the stream by this framer.</summary>
    /// <param name="framer">The framer; see <see cref="Framers"/>.</param>
    public SocketServerBuilder UseFramer(IFramer framer)
    {
        ArgumentNullException.ThrowIfNull(framer);
        return Configure(options => options.Framer = framer);
    }

    /// <summary>Finds dead peers by a policy from the container.</summary>
    /// <typeparam name="TPolicy">The policy; registered as a singleton if it is not registered. One instance serves all connections.</typeparam>
    public SocketServerBuilder UseHeartbeat<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TPolicy>()
        where TPolicy : class, IHeartbeatPolicy
    {
        Services.TryAddSingleton<TPolicy>();
        return Configure(static (services, options) => options.Heartbeat = services.GetRequiredService<TPolicy>());
    }

    /// <summary>Finds dead peers by this policy.</summary>
    /// <param name="policy">The policy, such as <c>new BeaconHeartbeat("beat")</c>.</param>
    public SocketServerBuilder UseHeartbeat(IHeartbeatPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return Configure(options => options.Heartbeat = policy);
    }
}
