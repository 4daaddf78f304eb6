namespace SocketKit.Tests.TestDoubles;

/// <summary>Counts what a piece of code allocates on this thread.</summary>
internal static class Allocations
{
    /// <summary>
    /// The bytes that 1,000 runs allocate, after runs enough for the code to be warm; the smallest of several measurements, as tiered
    /// compilation may allocate in between.
    /// </summary>
    public static long Of(Action run)
    {
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 5 && least != 0; attempt++)
        {
            for (var warmUp = 0; warmUp < 200; warmUp++)
            {
                run();
            }

            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var count = 0; count < 1000; count++)
            {
                run();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
