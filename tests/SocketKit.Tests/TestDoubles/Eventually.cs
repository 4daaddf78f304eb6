using System.Runtime.CompilerServices;

namespace SocketKit.Tests.TestDoubles;

/// <summary>
/// Awaits what gives no signal: a line in a log, the garbage collector's work, a count. A test that is late passes all the same.
/// </summary>
internal static class Eventually
{
    /// <summary>How long it may take before the test fails; no bound on anything.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Task TrueAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string? what = null) =>
        TrueAsync(() => Task.FromResult(condition()), what);

    public static async Task TrueAsync(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var glances = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!await condition())
        {
            try
            {
                await glances.WaitForNextTickAsync(patience.Token);
            }
            catch (OperationCanceledException exception)
            {
                throw new TimeoutException($"Not true after {Patience.TotalSeconds} s: {what}", exception);
            }
        }
    }

    /// <summary>The first that is there.</summary>
    public static async Task<T> SomeAsync<T>(Func<T?> find, [CallerArgumentExpression(nameof(find))] string? what = null)
        where T : class
    {
        T? found = null;
        await TrueAsync(() => (found = find()) is not null, what);
        return found!;
    }
}
