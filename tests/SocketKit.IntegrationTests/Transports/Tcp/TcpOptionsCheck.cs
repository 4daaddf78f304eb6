using System.Net.Sockets;
using SocketKit.Transports.Sockets;

namespace SocketKit.IntegrationTests.Transports.Sockets;

internal static class TcpOptionsCheck
{
    /// <summary>Asks the kernel for the options that every connection has.</summary>
    public static void ShouldBeSet(Transport? transport, TimeSpan userTimeout)
    {
        var socket = transport.Should().BeOfType<SocketTransport>().Which.Socket;
        socket.NoDelay.Should().BeTrue();
        Convert.ToInt32(socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive), null).Should().NotBe(0);
        socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime).Should().Be(10);
        socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval).Should().Be(5);
        socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount).Should().Be(4);
        if (OperatingSystem.IsLinux())
        {
            // IPPROTO_TCP, TCP_USER_TIMEOUT.
            var milliseconds = new byte[4];
            socket.GetRawSocketOption(6, 18, milliseconds).Should().Be(4);
            BitConverter.ToInt32(milliseconds).Should().Be((int)userTimeout.TotalMilliseconds);
        }
    }
}
