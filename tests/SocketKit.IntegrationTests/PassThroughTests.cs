using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.IntegrationTests.Transports.StreamSockets;
using SocketKit.PassThrough;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

/// <summary>A decorator of a program's own, which sees no internals, loses nothing of what an engine does for a connection.</summary>
public class PassThroughTests
{
    [Fact]
    public async Task Both_ends_have_the_user_timeout_that_their_owners_ask_for_and_the_engines_way_to_complete()
    {
        var services = new TransportServices { SlowConsumerTimeout = TimeSpan.FromSeconds(45) };
        await using var listener = new PassThroughListener(TestEngine.Listen("127.0.0.1", 0));
        await listener.BindAsync(services, default);
        var accept = listener.AcceptAsync().AsTask();
        await using var dialed = await new PassThroughDialer(TestEngine.Dial(listener.EndPoint)).DialAsync(services, default);
        await using var accepted = await accept.WaitAsync(TestServer.Patience);

        TcpOptionsCheck.ShouldBeSet(accepted!, userTimeout: TimeSpan.FromSeconds(45));
        TcpOptionsCheck.ShouldBeSet(dialed, userTimeout: TimeSpan.FromSeconds(45));
        accepted!.CompletesInDefaultContext.Should().Be(TestEngine.IsEpoll);
    }
}

// The tests of what an engine tells a connection, once more through a decorator.

public class LongCallPassThroughTests : LongCallTests
{
    public LongCallPassThroughTests(ITestOutputHelper output)
        : base(output) => TestWire.UsePassThrough();
}

public class PeerGonePassThroughTests : PeerGoneTests
{
    public PeerGonePassThroughTests(ITestOutputHelper output)
        : base(output) => TestWire.UsePassThrough();
}

public class ContextPassThroughTests : ContextTests
{
    public ContextPassThroughTests() => TestWire.UsePassThrough();
}
