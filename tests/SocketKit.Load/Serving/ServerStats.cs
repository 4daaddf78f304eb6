using System.Diagnostics;

namespace SocketKit.Load.Serving;

/// <summary>What a server tells about itself, as one line of JSON.</summary>
/// <param name="ManagedBytes">Bytes of live and dead objects on the managed heap; after <c>collect</c>, of live ones only.</param>
/// <param name="WorkingSet">Bytes of memory that the process holds.</param>
/// <param name="AllocatedBytes">Bytes allocated since the start.</param>
/// <param name="Collections">Garbage collections since the start.</param>
/// <param name="ProcessorMilliseconds">Processor time since the start.</param>
/// <param name="Threads">Threads of the process.</param>
/// <param name="Connections">Live connections, of a server that counts them.</param>
internal sealed record ServerStats(long ManagedBytes, long WorkingSet, long AllocatedBytes, int Collections, double ProcessorMilliseconds, int Threads, int? Connections)
{
    public static ServerStats Take(IMeasuredServer server, bool collect)
    {
        if (collect)
        {
            // Finalizers may let go of more, so twice; aggressive gives freed memory back, so that the working set holds what is in use.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }

        using var self = Process.GetCurrentProcess();
        return new ServerStats(GC.GetTotalMemory(forceFullCollection: false), self.WorkingSet64, GC.GetTotalAllocatedBytes(precise: true),
            GC.CollectionCount(0), self.TotalProcessorTime.TotalMilliseconds, self.Threads.Count, server.Connections);
    }
}
