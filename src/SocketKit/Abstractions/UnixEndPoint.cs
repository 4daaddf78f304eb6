using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SocketKit;

/// <summary>
/// One end of a Unix-domain socket: its name, if it has one, and the process that holds it. <see cref="IConnection.RemoteEndPoint"/> of a
/// connection that a server has accepted is one of these, so a handler can ask who is there: <c>connection.RemoteEndPoint is UnixEndPoint {
/// Credentials.UserId: 1000 }</c>. Immutable; equal when all of it is.
/// </summary>
[DebuggerDisplay("{DebuggerText,nq}")]
public sealed class UnixEndPoint : EndPoint, IEquatable<UnixEndPoint>
{
    // struct sockaddr_un: the family, and the path behind it.
    private const int PathOffset = 2;

    private readonly bool _named;

    /// <summary>Makes one.</summary>
    /// <param name="path">The path of a socket file, <c>@name</c> for a name in Linux's abstract namespace, or null for an end without a
    /// name.</param>
    /// <param name="credentials">Who holds this end, if that is known.</param>
    public UnixEndPoint(string? path, UnixCredentials? credentials = null)
    {
        Path = path;
        Credentials = credentials;
    }

    /// <summary>The end of a peer that has connected, and has given its end this name itself.</summary>
    internal static UnixEndPoint OfPeer(string? path, UnixCredentials? credentials) => new(path, credentials, named: true);

    private UnixEndPoint(string? path, UnixCredentials? credentials, bool named)
        : this(path, credentials) => _named = named;

    /// <summary>
    /// The path of a socket file, or <c>@name</c> in Linux's abstract namespace. Null: the end has no name, as is usual for a client's. A
    /// peer chooses its name itself, so it says nothing about who it is; <see cref="Credentials"/> do.
    /// </summary>
    public string? Path { get; }

    /// <summary>
    /// The process that holds this end, as the kernel noted it when the connection was made (for a server's end: when it began to listen);
    /// a peer cannot choose it. Null on other systems than Linux, and for an address that nobody holds yet.
    /// </summary>
    public UnixCredentials? Credentials { get; }

    /// <inheritdoc/>
    public override AddressFamily AddressFamily => AddressFamily.Unix;

    /// <summary>
    /// The path of an address; without one, the process, such as <c>process 4711 of user 1000</c>. Of a peer that has connected and has a
    /// name, the process comes first, and the name in quotes behind it: <c>process 4711 of user 1000, named "/tmp/me"</c>. What could forge
    /// a line of a log or command a terminal is escaped there; <see cref="Path"/> is as the peer gave it.
    /// </summary>
    public override string ToString() => (Credentials, Path) switch
    {
        (null, null) => "unnamed",
        (null, { } path) => path,
        ({ }, { } path) when !_named => path,
        ({ } credentials, null) => credentials.ToString(),
        ({ } credentials, { } path) => $"{credentials}, named \"{Quoted(path)}\"",
    };

    // A peer chooses its name itself, and programs write this text to consoles and logs.
    private static string Quoted(string name) => LogText.EscapeRest(
        name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\u0022", StringComparison.Ordinal));

    private string DebuggerText => LogText.NameOf(this);

    /// <inheritdoc/>
    public bool Equals(UnixEndPoint? other) => other is not null && Path == other.Path && Credentials == other.Credentials;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as UnixEndPoint);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Path, Credentials);

    /// <inheritdoc/>
    public override SocketAddress Serialize() => Path is { } path
        ? new UnixDomainSocketEndPoint(path.StartsWith('@') ? '\0' + path[1..] : path).Serialize()
        : new SocketAddress(AddressFamily.Unix, PathOffset);

    /// <inheritdoc/>
    public override EndPoint Create(SocketAddress socketAddress)
    {
        ArgumentNullException.ThrowIfNull(socketAddress);
        return socketAddress.Family == AddressFamily.Unix
            ? new UnixEndPoint(ReadPath(socketAddress.Buffer.Span[..socketAddress.Size]))
            : throw new ArgumentException($"An address of the family {socketAddress.Family} is no Unix socket's", nameof(socketAddress));
    }

    /// <summary>Reads the path from the kernel's struct sockaddr_un; null where there is none.</summary>
    internal static string? ReadPath(ReadOnlySpan<byte> address)
    {
        var path = address.Length > PathOffset ? address[PathOffset..] : default;
        if (path.Length > 1 && path[0] == 0)
        {
            // Every byte of an abstract name counts, whatever it is.
            return "@" + Encoding.UTF8.GetString(path[1..]);
        }

        var end = path.IndexOf((byte)0);
        return path.IsEmpty || end == 0 ? null : Encoding.UTF8.GetString(end < 0 ? path : path[..end]);
    }
}

/// <summary>
/// Who holds an end of a Unix-domain socket, as the kernel tells it (Linux: SO_PEERCRED of unix(7)). Immutable; equal when all of it is.
/// The default value names nobody, and so it is not root.
/// </summary>
public readonly record struct UnixCredentials
{
    /// <summary>What the kernel takes for no user and no group: (uid_t)-1.</summary>
    private const uint Nobody = uint.MaxValue;

    // Kept with all bits turned over, so that zero, which is what a default value holds, stands for nobody. The number 0 is root's.
    private readonly uint _user;
    private readonly uint _group;

    internal UnixCredentials(int processId, uint userId, uint groupId)
    {
        ProcessId = processId;
        UserId = userId;
        GroupId = groupId;
    }

    /// <summary>
    /// The process that connected or listened, as this process's PID namespace numbers it; 0 where it has no number for it. The process may
    /// have ended since, or passed its socket on. Default: 0.
    /// </summary>
    public int ProcessId { get; init; }

    /// <summary>Its effective user: 0 is root. Default: 4,294,967,295, which no user has, for nobody.</summary>
    public uint UserId
    {
        get => _user ^ Nobody;
        init => _user = value ^ Nobody;
    }

    /// <summary>Its effective group. Default: 4,294,967,295, which no group has, for none.</summary>
    public uint GroupId
    {
        get => _group ^ Nobody;
        init => _group = value ^ Nobody;
    }

    /// <summary>Process and user, such as <c>process 4711 of user 1000</c>.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"process {ProcessId} of user {UserId}");
}
