using System.Collections;

namespace SocketKit.Connections;

/// <summary>What a logger's scope says of a connection: its id and its peer, as they are when a line is written.</summary>
internal sealed class ConnectionScope(Connection connection) : IReadOnlyList<KeyValuePair<string, object?>>
{
    public int Count => 2;

    public KeyValuePair<string, object?> this[int index] => index switch
    {
        0 => new("ConnectionId", connection.Id),
        1 => new("Peer", connection.ToString()),
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        for (var index = 0; index < Count; index++)
        {
            yield return this[index];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"ConnectionId:{connection.Id} Peer:{connection}";
}
