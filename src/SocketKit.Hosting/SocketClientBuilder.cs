using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SocketKit.Hosting.Services;

namespace SocketKit;

/// <summary>Says more of a client that <see cref="SocketKitHostingExtensions.AddSocketClient(IServiceCollection, string, Action{SocketClientOptions})"/> has registered. What configuration says below <c>SocketKit:Clients:name</c> counts more than what is said here.</summary>
/// <remarks>For the last word use <c>services.PostConfigure&lt;SocketClientOptions&gt;(name, ...)</c> behind the registration. Not thread-safe.</remarks>
public sealed class SocketClientBuilder
{
    private readonly ClientRegistration _registration;

    internal SocketClientBuilder(IServiceCollection services, ClientRegistration registration)
    {
        Services = services;
        _registration = registration;
    }

    /// <summary>The client's name: the key of its services, and of its options and configuration.</summary>
    public string Name => _registration.Name;

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>Sets options. Called when the client is made, in the order of registration.</summary>
    /// <param name="configure">Changes the options.</param>
    public SocketClientBuilder Configure(Action<SocketClientOptions> configure)
    {
        Services.Configure(Name, configure);
        return this;
    }

    /// <summary>Sets options with the help of other services. Called when the client is made, in the order of registration.</summary>
    /// <param name="configure">Changes the options; gets the services of the whole application, so nothing scoped.</param>
    public SocketClientBuilder Configure(Action<IServiceProvider, SocketClientOptions> configure)
    {
        Registrations.Configure(Services, Name, configure);
        return this;
    }

    /// <summary>Reads the settings from another place than <c>SocketKit:Clients:name</c>.</summary>
    /// <param name="sectionPath">The configuration key, such as <c>Gateway:Upstream</c>.</param>
    public SocketClientBuilder BindConfiguration(string sectionPath)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(sectionPath);
        _registration.Section = sectionPath;
        return this;
    }

    /// <summary>A handler per connection, made by the container in a scope of its own; see <see cref="SocketServerBuilder.UseHandler{THandler}"/>. Each reconnect is a new connection, with a new handler.</summary>
    /// <typeparam name="THandler">The handler; registered as scoped if it is not registered.</typeparam>
    public SocketClientBuilder UseHandler<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>()
        where THandler : ConnectionHandler
    {
        Services.TryAddScoped<THandler>();
        _registration.Handler = typeof(THandler);
        return this;
    }

    /// <summary>Cuts messages out of the stream by a framer from the container.</summary>
    /// <typeparam name="TFramer">The framer; registered as a singleton if it is not registered.</typeparam>
    public SocketClientBuilder UseFramer<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TFramer>()
        where TFramer : class, IFramer
    {
        Services.TryAddSingleton<TFramer>();
        return Configure(static (services, options) => options.Framer = services.GetRequiredService<TFramer>());
    }

    /// <summary>Cuts messages out of the stream by this framer.</summary>
    /// <param name="framer">The framer; see <see cref="Framers"/>.</param>
    public SocketClientBuilder UseFramer(IFramer framer)
    {
        ArgumentNullException.ThrowIfNull(framer);
        return Configure(options => options.Framer = framer);
    }

    /// <summary>Finds a dead server by a policy from the container.</summary>
    /// <typeparam name="TPolicy">The policy; registered as a singleton if it is not registered.</typeparam>
    public SocketClientBuilder UseHeartbeat<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TPolicy>()
        where TPolicy : class, IHeartbeatPolicy
    {
        Services.TryAddSingleton<TPolicy>();
        return Configure(static (services, options) => options.Heartbeat = services.GetRequiredService<TPolicy>());
    }

    /// <summary>Finds a dead server by this policy.</summary>
    /// <param name="policy">The policy, such as <c>new BeaconHeartbeat("beat")</c>.</param>
    public SocketClientBuilder UseHeartbeat(IHeartbeatPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return Configure(options => options.Heartbeat = policy);
    }

    /// <summary>Lets the host's start wait until the client is connected, and fail if it is not in time. By default the client connects in the background and the start goes on.</summary>
    /// <param name="timeout">How long: above zero, at most a day. Default: 30 s. <see cref="Timeout.InfiniteTimeSpan"/>: until the host gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is zero, negative or longer than a day, and not infinite.</exception>
    public SocketClientBuilder WaitForConnection(TimeSpan? timeout = null)
    {
        var patience = timeout ?? TimeSpan.FromSeconds(30);
        if (patience != Timeout.InfiniteTimeSpan && (patience <= TimeSpan.Zero || patience > TimeSpan.FromDays(1)))
        {
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "Give a time above zero and up to a day, or Timeout.InfiniteTimeSpan.");
        }

        _registration.WaitForConnection = patience;
        return this;
    }
}
