using System.Net;

namespace SocketKit.Transports.Tcp;

/// <summary>End points as users see them.</summary>
internal static class EndPoints
{
    /// <summary>An IPv4 peer of a dual-stack socket shows as IPv4.</summary>
    public static EndPoint? Unmapped(EndPoint? endPoint) =>
        endPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } ip ? new IPEndPoint(ip.Address.MapToIPv4(), ip.Port) : endPoint;
}
