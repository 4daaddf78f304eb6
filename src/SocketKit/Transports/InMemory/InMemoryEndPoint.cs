using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace SocketKit;

/// <summary>An address on an <see cref="InMemoryNetwork"/>. Equal when the names are; immutable.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class InMemoryEndPoint : EndPoint, IEquatable<InMemoryEndPoint>
{
    /// <summary>Makes one.</summary>
    /// <param name="name">The name; case-sensitive.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public InMemoryEndPoint(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Name = name;
    }

    /// <summary>A listener's name; at the dialling end that name with a number, such as <c>server#1</c>.</summary>
    public string Name { get; }

    /// <summary>Always <see cref="AddressFamily.Unspecified"/>: there is no socket behind it.</summary>
    public override AddressFamily AddressFamily => AddressFamily.Unspecified;

    /// <inheritdoc/>
    public bool Equals(InMemoryEndPoint? other) => other is not null && other.Name == Name;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as InMemoryEndPoint);

    /// <inheritdoc/>
    public override int GetHashCode() => Name.GetHashCode(StringComparison.Ordinal);

    /// <summary>For people and logs: <c>memory://server#1</c>.</summary>
    public override string ToString() => $"memory://{Name}";
}
