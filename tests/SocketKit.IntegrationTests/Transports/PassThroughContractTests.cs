using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.PassThrough;
using SocketKit.Tests.Transports;
using SocketKit.Tests.Transports.Tls;

namespace SocketKit.IntegrationTests.Transports;

/// <summary>The contract through a decorator that changes nothing, over TCP.</summary>
public class PassThroughTcpTransportTests : TransportContract
{
    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var listener = new PassThroughListener(TestEngine.Listen("127.0.0.1", 0));
        return TestAuthority.ConnectAsync(listener, () => new PassThroughDialer(TestEngine.Dial(listener.EndPoint)));
    }
}

/// <summary>The same over a Unix socket.</summary>
public class PassThroughUnixTransportTests : TransportContract
{
    // The kernel's Unix sockets know no reset, except of unread bytes.
    protected override bool HasResets => false;

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var listener = new PassThroughListener(TestEngine.ListenUnix(TestWire.NewPath()));
        return TestAuthority.ConnectAsync(listener, () => new PassThroughDialer(TestEngine.Dial(listener.EndPoint)));
    }
}

/// <summary>The same with a decorator above TLS, and one below it.</summary>
public class PassThroughTlsTransportTests : TransportContract
{
    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync()
    {
        var listener = new PassThroughListener(Listen.Tls(new PassThroughListener(TestEngine.Listen("127.0.0.1", 0)), TestAuthority.Shared.ListenOptions()));
        return TestAuthority.ConnectAsync(
            listener,
            () => new PassThroughDialer(Dial.Tls(new PassThroughDialer(TestEngine.Dial(listener.EndPoint)), TestAuthority.Shared.DialOptions())));
    }
}
