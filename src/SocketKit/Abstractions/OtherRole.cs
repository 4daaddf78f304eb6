using System.Runtime.CompilerServices;

namespace SocketKit;

/// <summary>What <see cref="IConnection.Server"/>, Listener and Client throw on a connection of the other role.</summary>
internal static class OtherRole
{
    public static InvalidOperationException OfClient([CallerMemberName] string member = "") => new(
        $"A client dialed this connection, so it has no {member}; use Client, and IsServer to tell the roles apart");

    public static InvalidOperationException OfServer([CallerMemberName] string member = "") => new(
        $"A server accepted this connection, so it has no {member}; use Server, and IsServer to tell the roles apart");

    /// <summary>For the default members of <see cref="IConnection"/>.</summary>
    public static InvalidOperationException Missing([CallerMemberName] string member = "") => new($"This connection has no {member}");
}
