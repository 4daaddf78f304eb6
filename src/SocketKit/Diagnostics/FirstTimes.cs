using System.Collections.Concurrent;

namespace SocketKit.Diagnostics;

/// <summary>Remembers what has happened before. For a few names. Thread-safe.</summary>
internal sealed class FirstTimes
{
    private readonly ConcurrentDictionary<string, bool> _seen = new();

    /// <summary>It has not happened before.</summary>
    public bool IsFirst(string what) => _seen.TryAdd(what, true);
}
