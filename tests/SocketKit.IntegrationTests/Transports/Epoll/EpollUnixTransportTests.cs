using SocketKit.Tests.Transports;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>The contract over Unix stream sockets.</summary>
public class EpollUnixTransportTests : TransportContract
{
    // The kernel's Unix sockets know no reset, except of unread bytes.
    protected override bool HasResets => false;

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => UnixPair.ConnectAsync();
}
