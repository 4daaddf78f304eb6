using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

internal static class TcpOptionsCheck
{
    /// <summary>Asks the kernel for the options that every connection has.</summary>
    public static void ShouldBeSet(Transport? transport, TimeSpan userTimeout)
    {
        transport.Should().NotBeNull();
        TestEngine.GetOption(transport!, SocketOptionLevel.Tcp, SocketOptionName.NoDelay).Should().NotBe(0);
        TestEngine.GetOption(transport!, SocketOptionLevel.Socket, SocketOptionName.KeepAlive).Should().NotBe(0);
        var seconds = TestEngine.GetOption(transport!, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime);
        seconds.Should().BeOneOf(6, 8, 10);
        TestEngine.GetOption(transport!, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval).Should().Be(2);
        TestEngine.GetOption(transport!, SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount).Should().Be(10);
        if (OperatingSystem.IsLinux())
        {
            // IPPROTO_TCP, TCP_USER_TIMEOUT.
            TestEngine.GetRawOption(transport!, 6, 18).Should().Be((int)userTimeout.TotalMilliseconds);
        }
    }

    /// <summary>Asks the kernel whether it looks for dead peers.</summary>
    /// <param name="transport">The connection.</param>
    /// <param name="keepAlive">It probes silent ones.</param>
    /// <param name="userTimeout">In milliseconds; 0: the kernel's own rule.</param>
    public static void ShouldLookForDeadPeers(Transport? transport, bool keepAlive, int userTimeout)
    {
        transport.Should().NotBeNull();
        TestEngine.GetOption(transport!, SocketOptionLevel.Tcp, SocketOptionName.NoDelay).Should().NotBe(0);
        (TestEngine.GetOption(transport!, SocketOptionLevel.Socket, SocketOptionName.KeepAlive) is not 0).Should().Be(keepAlive);
        if (OperatingSystem.IsLinux())
        {
            TestEngine.GetRawOption(transport!, 6, 18).Should().Be(userTimeout);
        }
    }
}
