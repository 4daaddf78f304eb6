using Microsoft.Extensions.DependencyInjection;

namespace SocketKit.Hosting.Scopes;

/// <summary>Holds the connection that a scope belongs to, so that <see cref="IConnection"/> can be injected.</summary>
internal sealed class ConnectionAccessor
{
    public IConnection? Connection { get; private set; }

    /// <summary>The injected connection.</summary>
    public static IConnection Inject(IServiceProvider services) => services.GetRequiredService<ConnectionAccessor>().Connection
        ?? throw new InvalidOperationException("IConnection is there only in the scope of a connection (a handler of AddSocketServer<THandler>) or of a message (a scoped strategy of UseReplies), and this scope is neither");

    /// <summary>Begins a scope for a connection, or for one of its messages.</summary>
    public static AsyncServiceScope Begin(IServiceScopeFactory scopes, IConnection connection)
    {
        var scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<ConnectionAccessor>().Connection = connection;
        return scope;
    }
}
