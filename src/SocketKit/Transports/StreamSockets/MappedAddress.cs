using System.Net;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// IPv4 addresses in IPv6 form, such as <c>::ffff:127.0.0.1</c>: an IPv6 socket of ours does not take them, so they become plain at every
/// way in.
/// </summary>
internal static class MappedAddress
{
    /// <summary>The IPv4 address that it stands for; any other as it is.</summary>
    public static IPAddress ToIPv4(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>The same of an end point.</summary>
    public static EndPoint ToIPv4(EndPoint endPoint) => endPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
        ? new IPEndPoint(ToIPv4(mapped.Address), mapped.Port) : endPoint;

    /// <summary>The same of a host in text form; a name as it is.</summary>
    public static string ToIPv4(string host) => IPAddress.TryParse(host, out var address) && address.IsIPv4MappedToIPv6
        ? ToIPv4(address).ToString() : host;
}
