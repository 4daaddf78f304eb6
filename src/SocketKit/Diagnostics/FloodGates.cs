using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace SocketKit.Diagnostics;

/// <summary>The flood gates of one server or client, made when they are needed. Thread-safe.</summary>
internal sealed class FloodGates(ILogger logger, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, FloodGate> _gates = new();
    private readonly ConcurrentDictionary<CloseKind, FloodGate> _closings = new();

    /// <summary>The level for the next line of its kind; see <see cref="FloodGate"/>.</summary>
    /// <param name="usual">Its level while there is no flood.</param>
    /// <param name="what">The lines, in the plural; one of a few, as each has a gate of its own: a constant, or the name of a type.</param>
    public LogLevel LevelOf(LogLevel usual, string what) => _gates.GetOrAdd(what, static (key, self) => self.Create(key), this).LevelOf(usual);

    /// <summary>The level for the closing of a connection.</summary>
    public LogLevel LevelOf(LogLevel usual, CloseKind kind) => _closings.GetOrAdd(kind, static (key, self) => self.Create($"connections closed as {key}"), this).LevelOf(usual);

    private FloodGate Create(string what) => new(logger, time, what);
}
