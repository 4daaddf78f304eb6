namespace SocketKit.AspNetCore.Tests.TestDoubles;

/// <summary>On which stack a continuation runs.</summary>
internal static class Stacks
{
    /// <summary>Runs the action on a thread of its own, which ends before the task does.</summary>
    /// <param name="continued">Gives the thread that continues when the action completes something.</param>
    /// <param name="action">What completes it.</param>
    /// <returns>True: the continuation ran inside the action.</returns>
    public static async Task<bool> RunsInside(this Task<Thread> continued, Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        var runs = await continued.InTime() == thread;
        thread.Join();
        return runs;
    }

    /// <summary>The thread that goes on after the operation, whether it was cancelled or not.</summary>
    public static async Task<Thread> Continuation<T>(this ValueTask<T> operation)
    {
        try
        {
            await operation.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The token's way to end it.
        }

        return Thread.CurrentThread;
    }
}
