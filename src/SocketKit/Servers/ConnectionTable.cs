using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using SocketKit.Connections;

namespace SocketKit.Servers;

/// <summary>The open connections of a server, by id and by name. Thread-safe.</summary>
[DebuggerDisplay("Count = {Count}")]
internal sealed class ConnectionTable : IConnectionTable
{
    private readonly ConcurrentDictionary<long, Connection> _byId = new();

    // Guards the names; a name and the connection that has it change together.
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Connection> _byName = new(StringComparer.Ordinal);

    public int Count => _byId.Count;

    public void Add(Connection connection) => _byId.TryAdd(connection.Id, connection);

    /// <summary>Takes a connection out, and its name if it still has it: a newcomer's stays.</summary>
    public void Remove(Connection connection)
    {
        _byId.TryRemove(connection.Id, out _);
        lock (_lock)
        {
            Unname(connection);
        }
    }

    /// <summary>Gives the connection a name; the last one wins.</summary>
    /// <returns>The former holder.</returns>
    public Connection? SetName(Connection connection, string name)
    {
        lock (_lock)
        {
            var former = HolderFor(connection, name);
            if (former == connection)
            {
                return null;
            }

            Rename(connection, name);
            return former;
        }
    }

    /// <summary>Gives the connection a name that nobody else has; the first one wins.</summary>
    public bool TrySetName(Connection connection, string name)
    {
        lock (_lock)
        {
            var holder = HolderFor(connection, name);
            if (holder is not null)
            {
                return holder == connection;
            }

            Rename(connection, name);
            return true;
        }
    }

    public bool TryGet(long id, [NotNullWhen(true)] out IConnection? connection)
    {
        var found = _byId.TryGetValue(id, out var typed);
        connection = typed;
        return found;
    }

    public bool TryGet(string name, [NotNullWhen(true)] out IConnection? connection)
    {
        ArgumentNullException.ThrowIfNull(name);
        lock (_lock)
        {
            var found = _byName.TryGetValue(name, out var typed);
            connection = typed;
            return found;
        }
    }

    public IEnumerator<IConnection> GetEnumerator() => Open().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public IEnumerable<Connection> Open()
    {
        foreach (var (_, connection) in _byId)
        {
            yield return connection;
        }
    }

    private Connection? HolderFor(Connection connection, string name)
    {
        if (connection.Reason is { } reason)
        {
            throw new ConnectionClosedException(reason);
        }

        _byName.TryGetValue(name, out var holder);
        return holder;
    }

    private void Rename(Connection connection, string name)
    {
        Unname(connection);
        _byName[name] = connection;
        connection.NoteName(name);
    }

    private void Unname(Connection connection)
    {
        if (connection.Name is { } name && _byName.TryGetValue(name, out var holder) && holder == connection)
        {
            _byName.Remove(name);
        }
    }
}
