namespace SocketKit.Tests.TestDoubles;

internal static class ValueTaskExtensions
{
    /// <summary>The result of a call that must not wait.</summary>
    public static T Now<T>(this ValueTask<T> task) =>
        task.IsCompleted ? task.GetAwaiter().GetResult() : throw new InvalidOperationException("The call was expected to complete at once.");

    /// <summary>Checks that a call did not wait.</summary>
    public static void Now(this ValueTask task)
    {
        if (!task.IsCompleted)
        {
            throw new InvalidOperationException("The call was expected to complete at once.");
        }

        task.GetAwaiter().GetResult();
    }

    /// <summary>Waits at most 10 s.</summary>
    public static Task Soon(this Task task) => task.WaitAsync(TimeSpan.FromSeconds(10));

    /// <summary>Waits at most 10 s.</summary>
    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(TimeSpan.FromSeconds(10));
}
