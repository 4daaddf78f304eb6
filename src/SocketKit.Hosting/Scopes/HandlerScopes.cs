using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace SocketKit.Hosting.Scopes;

/// <summary>Makes each connection's handler in a scope of its own, which is disposed of behind the handler's last call. Thread-safe.</summary>
internal sealed class HandlerScopes(IServiceScopeFactory scopes, Type handler)
{
    private readonly ConcurrentDictionary<long, AsyncServiceScope> _open = new();

    public ConnectionHandler Create(IConnection connection)
    {
        var scope = ConnectionAccessor.Begin(scopes, connection);
        try
        {
            var made = (ConnectionHandler)scope.ServiceProvider.GetRequiredService(handler);
            _open[connection.Id] = scope;
            return made;
        }
        catch
        {
            // Nobody knows of it. What has to be disposed of asynchronously goes on behind our back, and there is nobody to tell.
            _ = scope.DisposeAsync().AsTask();
            throw;
        }
    }

    public ValueTask ReleaseAsync(IConnection connection, ConnectionHandler made) => _open.TryRemove(connection.Id, out var scope) ? scope.DisposeAsync() : default;
}
