using SocketKit.Connections;

namespace SocketKit;

// What the connections know of their server.
public sealed partial class SocketServer
{
    /// <summary>
    /// One listener of a server, as the owner of the connections that came in by it: they know both, for one field. Hands everything on to
    /// the server. Immutable.
    /// </summary>
    private sealed class Entrance(SocketServer server, Listener listener) : IConnectionOwner
    {
        public bool IsServer => true;

        public ISocketServer Server => server;

        public Listener Listener => listener;

        public ISocketClient Client => throw OtherRole.OfServer();

        public Func<IConnection, CancellationToken, ValueTask>? OnOpening => null;

        public void Opened(Connection connection) => server.Opened(connection);

        public void Released(Connection connection, CloseReason reason) => server.Released(connection);

        public void Gone(Connection connection, CloseReason reason)
        {
        }

        public IConnection? SetName(Connection connection, string name) => server._open.SetName(connection, name);

        public bool TrySetName(Connection connection, string name) => server._open.TrySetName(connection, name);
    }
}
