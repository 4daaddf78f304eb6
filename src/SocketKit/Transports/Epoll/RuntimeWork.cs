using System.Runtime;

namespace SocketKit.Transports.Epoll;

/// <summary>
/// What the runtime has done so far that puts threads to sleep although their code does not block: collections stop them all, and a thread
/// waits while another compiles the method that it is about to call.
/// </summary>
internal readonly record struct RuntimeWork(int Collections, TimeSpan Pauses, long CompiledMethods)
{
    public static RuntimeWork Now => new(GC.CollectionCount(0), GC.GetTotalPauseDuration(), JitInfo.GetCompiledMethodCount());

    /// <summary>No collection has stopped the threads since then.</summary>
    public bool HasNotPausedSince(RuntimeWork earlier) => Collections == earlier.Collections && Pauses == earlier.Pauses;
}
