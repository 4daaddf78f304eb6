using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using SocketKit.Hosting.Services;

namespace SocketKit;

/// <summary>
/// Puts servers and clients into the .NET Generic Host: it starts and stops them, configuration says where they listen and with what
/// limits, and the rest of the application gets them as services.
/// </summary>
public static class SocketKitHostingExtensions
{
    /// <summary>
    /// Registers a server, which the host starts and stops. It needs a handler: see
    /// <see cref="SocketServerBuilder.UseReplies{TStrategy}"/>, <see cref="SocketBuilder{TBuilder, TOptions}.UseHandler{THandler}"/>, or
    /// <see cref="ProtocolOptions.HandlerFactory"/> in its options.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The server's name: the key of the service <see cref="ISocketServer"/>, the name of its options
    /// (<see cref="SocketServerOptions"/>), and its place in configuration, <c>SocketKit:Servers:name</c>.</param>
    /// <param name="configure">Sets options; null: configuration says it all.</param>
    /// <returns>What says more of the server.</returns>
    /// <exception cref="ArgumentException">The name is empty, holds a colon, or is in use.</exception>
    /// <remarks>
    /// The start takes the addresses; one that is in use fails the start of the host. A stop first makes the server not ready (see
    /// <see cref="SocketKitHealthCheckExtensions.AddSocketKit"/>), then drains it within <see cref="SocketServerOptions.DrainTimeout"/> and
    /// the host's own shutdown time-out. A single server can be injected as plain <see cref="ISocketServer"/> as well, several only by key.
    /// </remarks>
    public static SocketServerBuilder AddSocketServer(this IServiceCollection services, string name, Action<SocketServerOptions>? configure = null)
    {
        var builder = new SocketServerBuilder(services, Registrations.AddServer(services, name));
        return configure is null ? builder : builder.Configure(configure);
    }

    /// <summary>
    /// Registers a server with a handler per connection, made by the container in a scope of the connection's own. See
    /// <see cref="AddSocketServer(IServiceCollection, string, Action{SocketServerOptions})"/> and
    /// <see cref="SocketBuilder{TBuilder, TOptions}.UseHandler{THandler}"/>.
    /// </summary>
    /// <typeparam name="THandler">The handler; registered as scoped if it is not registered.</typeparam>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The server's name.</param>
    /// <param name="configure">Sets options; null: configuration says it all.</param>
    /// <returns>What says more of the server.</returns>
    /// <exception cref="ArgumentException">The name is empty, holds a colon, or is in use.</exception>
    public static SocketServerBuilder AddSocketServer<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(this IServiceCollection services, string name, Action<SocketServerOptions>? configure = null)
        where THandler : ConnectionHandler => services.AddSocketServer(name, configure).UseHandler<THandler>();

    /// <summary>
    /// Registers a client, which connects in the background when the host starts and disconnects when it stops. Unlike a bare
    /// <see cref="SocketClient"/> it dials again by itself (<see cref="BackoffReconnect"/>). Without a handler, its messages are in
    /// <see cref="ISocketClient.Messages"/>.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The client's name: the key of the service <see cref="ISocketClient"/>, the name of its options
    /// (<see cref="SocketClientOptions"/>), and its place in configuration, <c>SocketKit:Clients:name</c>.</param>
    /// <param name="configure">Sets options; null: configuration says it all.</param>
    /// <returns>What says more of the client.</returns>
    /// <exception cref="ArgumentException">The name is empty, holds a colon, or is in use.</exception>
    /// <remarks>
    /// A single client can be injected as plain <see cref="ISocketClient"/> as well, several only by key. Hosted services stop in the
    /// reverse order of registration: a client that a server's handlers need is registered before the server.
    /// </remarks>
    public static SocketClientBuilder AddSocketClient(this IServiceCollection services, string name, Action<SocketClientOptions>? configure = null)
    {
        var builder = new SocketClientBuilder(services, Registrations.AddClient(services, name));
        return configure is null ? builder : builder.Configure(configure);
    }

    /// <summary>
    /// Registers a client with a handler per connection, made by the container in a scope of the connection's own. See
    /// <see cref="AddSocketClient(IServiceCollection, string, Action{SocketClientOptions})"/> and
    /// <see cref="SocketBuilder{TBuilder, TOptions}.UseHandler{THandler}"/>.
    /// </summary>
    /// <typeparam name="THandler">The handler; registered as scoped if it is not registered.</typeparam>
    /// <param name="services">The application's services.</param>
    /// <param name="name">The client's name.</param>
    /// <param name="configure">Sets options; null: configuration says it all.</param>
    /// <returns>What says more of the client.</returns>
    /// <exception cref="ArgumentException">The name is empty, holds a colon, or is in use.</exception>
    public static SocketClientBuilder AddSocketClient<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(this IServiceCollection services, string name, Action<SocketClientOptions>? configure = null)
        where THandler : ConnectionHandler => services.AddSocketClient(name, configure).UseHandler<THandler>();
}
