using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using SocketKit.Hosting.Services;

namespace SocketKit;

/// <summary>
/// Configures a server registered by
/// <see cref="SocketKitHostingExtensions.AddSocketServer(IServiceCollection, string, Action{SocketServerOptions})"/>. Configuration below
/// <c>SocketKit:Servers:name</c> overrides these settings.
/// </summary>
public sealed class SocketServerBuilder : SocketBuilder<SocketServerBuilder, SocketServerOptions>
{
    private readonly ServerRegistration _registration;

    internal SocketServerBuilder(IServiceCollection services, ServerRegistration registration)
        : base(services, registration) => _registration = registration;

    /// <summary>Answers messages by a strategy. Said several times: the first that does not pass answers, in this order.</summary>
    /// <typeparam name="TStrategy">The strategy. Registered as scoped or transient, it is made in a scope per message (a database context
    /// goes there), which all of the server's scoped strategies share and in which <see cref="IConnection"/> can be injected; as a
    /// singleton it serves all messages, and no scope is made for it.</typeparam>
    /// <param name="lifetime">How to register it if it is not registered. Default: scoped, which is right for every strategy; singleton
    /// saves the cost of a scope, and needs one that is thread-safe.</param>
    public SocketServerBuilder UseReplies<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TStrategy>(ServiceLifetime lifetime = ServiceLifetime.Scoped)
        where TStrategy : class, IReplyStrategy
    {
        Services.TryAdd(new ServiceDescriptor(typeof(TStrategy), typeof(TStrategy), lifetime));
        _registration.Replies.Add(typeof(TStrategy));
        return this;
    }

    /// <summary>
    /// Answers messages by a strategy that is there already and serves all connections, so it is thread-safe. Said several times: the first
    /// that does not pass answers, in this order.
    /// </summary>
    /// <param name="strategy">The strategy.</param>
    public SocketServerBuilder UseReplies(IReplyStrategy strategy)
    {
        ArgumentNullException.ThrowIfNull(strategy);
        _registration.Replies.Add(strategy);
        return this;
    }
}
