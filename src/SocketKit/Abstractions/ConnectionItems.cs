using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace SocketKit;

/// <summary>
/// Makes the dictionaries of <see cref="IConnection.Items"/>, and keeps those of foreign implementations of the interface. Thread-safe.
/// </summary>
internal static class ConnectionItems
{
    private static readonly ConditionalWeakTable<IConnection, ConcurrentDictionary<object, object?>> OfOthers = [];

    /// <summary>A small one: a connection has a few items, written by a thread at a time.</summary>
    public static ConcurrentDictionary<object, object?> Create() => new(concurrencyLevel: 1, capacity: 7);

    /// <summary>For an implementation of the interface without a bag of its own. It lives as long as the connection.</summary>
    public static ConcurrentDictionary<object, object?> Of(IConnection connection) => OfOthers.GetValue(connection, static _ => Create());
}
