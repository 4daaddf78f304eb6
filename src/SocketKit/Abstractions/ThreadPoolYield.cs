namespace SocketKit;

/// <summary>A yield that costs one work item of the thread pool.</summary>
internal static class ThreadPoolYield
{
    public static async ValueTask WaitAsync() => await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
}
