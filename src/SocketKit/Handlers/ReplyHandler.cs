using System.Runtime.CompilerServices;

namespace SocketKit;

/// <summary>Strategies as a handler: the first that does not pass answers. Stateless, shared by all connections.</summary>
internal sealed class ReplyHandler(IReplyStrategy[] strategies) : ConnectionHandler
{
    public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        for (var index = 0; index < strategies.Length; index++)
        {
            var answer = strategies[index].ReplyAsync(connection, message, connection.ClosedToken);
            if (!answer.IsCompletedSuccessfully)
            {
                return AwaitAsync(answer, index, connection, message);
            }

            var reply = answer.Result;
            if (reply.Kind != ReplyKind.Pass)
            {
                return reply.SendAsync(connection, message);
            }
        }

        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask AwaitAsync(ValueTask<Reply> answer, int index, IConnection connection, ReadOnlyMemory<byte> message)
    {
        while (true)
        {
            var reply = await answer.ConfigureAwait(false);
            if (reply.Kind != ReplyKind.Pass)
            {
                await reply.SendAsync(connection, message).ConfigureAwait(false);
                return;
            }

            if (++index == strategies.Length)
            {
                return;
            }

            answer = strategies[index].ReplyAsync(connection, message, connection.ClosedToken);
        }
    }
}
