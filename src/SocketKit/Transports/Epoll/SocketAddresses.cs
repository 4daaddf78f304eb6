using System.Buffers.Binary;
using System.Net;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.Epoll;

/// <summary>The kernel's socket addresses (struct sockaddr_in, sockaddr_in6 and sockaddr_un) as end points.</summary>
internal static class SocketAddresses
{
    /// <summary>struct sockaddr_storage.</summary>
    public const int MaxLength = 128;

    private const int FamilyUnix = 1;
    private const int FamilyInternet = 2;
    private const int FamilyInternet6 = 10;
    private const int FamilyLength = 2;

    /// <summary>Reads one; null where there is none. An IPv4 address in IPv6 form shows as IPv4.</summary>
    public static EndPoint? Read(ReadOnlySpan<byte> raw)
    {
        if (raw.Length < FamilyLength)
        {
            return null;
        }

        switch (BitConverter.ToUInt16(raw))
        {
            case FamilyInternet:
                return new IPEndPoint(new IPAddress(raw.Slice(4, 4)), Port(raw));
            case FamilyInternet6:
                var scope = BitConverter.ToUInt32(raw[24..]);
                var address = new IPAddress(raw.Slice(8, 16), scope);
                return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, Port(raw));
            case FamilyUnix:
                return new UnixEndPoint(UnixEndPoint.ReadPath(raw));
            default:
                return null;
        }
    }

    /// <summary>Reads one of IPv4, also in IPv6 form; the address in the order of its bytes, as <see cref="IPAddress"/> takes it.</summary>
    public static bool TryReadInternet(ReadOnlySpan<byte> raw, out uint address, out ushort port)
    {
        var family = raw.Length < FamilyLength ? 0 : BitConverter.ToUInt16(raw);
        var mapped = family == FamilyInternet6 && raw.Slice(8, 12).SequenceEqual(MappedPrefix);
        if (family != FamilyInternet && !mapped)
        {
            address = 0;
            port = 0;
            return false;
        }

        address = BitConverter.ToUInt32(raw[(mapped ? 20 : 4)..]);
        port = (ushort)Port(raw);
        return port != 0;
    }

    /// <summary>The local end of a socket; null when it is gone.</summary>
    public static unsafe EndPoint? Local(Descriptor descriptor)
    {
        if (!descriptor.TryHold())
        {
            return null;
        }

        Interleaving.Point();
        Span<byte> raw = stackalloc byte[MaxLength];
        var length = MaxLength;
        int result;
        fixed (byte* pointer = raw)
        {
            result = Native.LocalName(descriptor.Number, pointer, &length);
        }

        descriptor.DangerousRelease();
        var endPoint = result < 0 ? null : Read(raw[..Math.Min(length, MaxLength)]);
        return endPoint is UnixEndPoint unix ? new UnixEndPoint(unix.Path, PeerCredentials.Own()) : endPoint;
    }

    /// <summary>The process at the other end of a Unix socket; null when it cannot be told.</summary>
    public static unsafe UnixCredentials? Credentials(Descriptor descriptor)
    {
        if (!descriptor.TryHold())
        {
            return null;
        }

        var raw = stackalloc byte[PeerCredentials.Length];
        var length = PeerCredentials.Length;
        var result = Native.GetOption(descriptor.Number, PeerCredentials.Level, PeerCredentials.Option, raw, &length);
        descriptor.DangerousRelease();
        return result == 0 && length == PeerCredentials.Length ? PeerCredentials.Parse(new ReadOnlySpan<byte>(raw, length)) : null;
    }

    private static ReadOnlySpan<byte> MappedPrefix => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];

    private static int Port(ReadOnlySpan<byte> raw) => BinaryPrimitives.ReadUInt16BigEndian(raw[2..]);
}
