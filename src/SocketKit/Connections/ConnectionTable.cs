using System.Collections;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace SocketKit.Connections;

/// <summary>The open connections of a server, by id and by name. Thread-safe.</summary>
internal sealed class ConnectionTable : IConnectionTable
{
    private readonly ConcurrentDictionary<long, Connection> _byId = new();

    // Guards the names; a name and the connection that has it change together.
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Connection> _byName = new(StringComparer.Ordinal);

    public int Count => _byId.Count;

    public void Add(Connection connection) => _byId.TryAdd(connection.Id, connection);

    /// <summary>Takes a connection out, and its name if it still has it: a newcomer's stays.</summary>
    public void Remove(Connection connection)
    {
        _byId.TryRemove(connection.Id, out _);
        lock (_gate)
        {
            Unname(connection);
        }
    }

    /// <summary>Gives the connection a name; the last one wins.</summary>
    /// <returns>The former holder.</returns>
    public Connection? SetName(Connection connection, string name)
    {
        lock (_gate)
        {
            if (connection.Reason is { } reason)
            {
                throw new ConnectionClosedException(reason);
            }

            _byName.TryGetValue(name, out var former);
            if (former == connection)
            {
                return null;
            }

            Unname(connection);
            _byName[name] = connection;
            connection.NoteName(name);
            return former;
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
        lock (_gate)
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

    private void Unname(Connection connection)
    {
        if (connection.Name is { } name && _byName.TryGetValue(name, out var holder) && holder == connection)
        {
            _byName.Remove(name);
        }
    }
}
