using Microsoft.Extensions.Configuration;

namespace SocketKit.Hosting.TestHost;

internal sealed class Counts
{
    private int _handled;
    private int _disposed;

    public int Handled => Volatile.Read(ref _handled);

    public int Disposed => Volatile.Read(ref _disposed);

    public void AddHandled() => Interlocked.Increment(ref _handled);

    public void AddDisposed() => Interlocked.Increment(ref _disposed);
}

/// <summary>Stands for a database context.</summary>
internal sealed class PerMessage(Counts counts) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await Task.Yield();
        counts.AddDisposed();
    }
}

/// <summary>Answers every message with its own text, after a while.</summary>
internal sealed class SlowReplies(Counts counts, PerMessage perMessage, IConfiguration configuration) : IReplyStrategy
{
    public async ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        ArgumentNullException.ThrowIfNull(perMessage);
        Console.WriteLine("log handling");
        await Task.Delay(configuration.GetValue("ReplyMilliseconds", 100), connection.ClosedToken);
        counts.AddHandled();
        return Reply.Echo;
    }
}
