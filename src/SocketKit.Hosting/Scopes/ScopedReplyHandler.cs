using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;

namespace SocketKit.Hosting.Scopes;

/// <summary>
/// Asks strategies in order, as <see cref="Handlers.Reply(IReplyStrategy[])"/> does. Those that live in a scope share one per message; it
/// begins when the first of them is asked and ends when the reply is in the send buffer. Stateless, shared by all connections.
/// </summary>
internal sealed class ScopedReplyHandler(IServiceScopeFactory scopes, ScopedReplyHandler.Step[] steps) : ConnectionHandler
{
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        AsyncServiceScope? scope = null;
        try
        {
            foreach (var step in steps)
            {
                var strategy = step.Shared;
                if (strategy is null)
                {
                    scope ??= ConnectionAccessor.Begin(scopes, connection);
                    strategy = (IReplyStrategy)scope.Value.ServiceProvider.GetRequiredService(step.Scoped!);
                }

                var reply = await strategy.ReplyAsync(connection, message).ConfigureAwait(false);
                if (reply.Kind != ReplyKind.Pass)
                {
                    await reply.SendAsync(connection, message).ConfigureAwait(false);
                    return;
                }
            }
        }
        finally
        {
            if (scope is { } begun)
            {
                await begun.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>A strategy that all share, or the type of one that lives in the scope of a message.</summary>
    internal readonly record struct Step(IReplyStrategy? Shared, Type? Scoped);
}
