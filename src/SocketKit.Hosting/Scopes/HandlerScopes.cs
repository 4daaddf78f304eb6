using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Scopes;

/// <summary>
/// Makes each connection's handler in a scope of its own, which is disposed of behind the handler's last call. Thread-safe.
/// </summary>
internal sealed class HandlerScopes(IServiceScopeFactory scopes, Type handler, ILogger logger)
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
            _ = AbandonAsync(scope, connection.Id);
            throw;
        }
    }

    public ValueTask ReleaseAsync(IConnection connection, ConnectionHandler made) => _open.TryRemove(connection.Id, out var scope) ? scope.DisposeAsync() : default;

    /// <summary>Of a scope in which no handler came about, nobody else knows.</summary>
    private async Task AbandonAsync(AsyncServiceScope scope, long id)
    {
        try
        {
            await scope.DisposeAsync().ConfigureAwait(false);
        }
#pragma warning disable CA1031 // User code; the connection ends because of the handler that could not be made.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            HostingLog.ScopeFailed(logger, id, exception);
        }
    }
}
