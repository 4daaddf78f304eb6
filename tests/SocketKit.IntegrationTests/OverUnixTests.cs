using SocketKit.IntegrationTests.TestDoubles;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests;

// The tests of connections, once more over Unix sockets.

public class ReplyRulesOverUnixTests : ReplyRulesTests
{
    public ReplyRulesOverUnixTests() => TestWire.UseUnix();
}

public class GracefulCloseOverUnixTests : GracefulCloseTests
{
    public GracefulCloseOverUnixTests() => TestWire.UseUnix();
}

public class ReconnectOverUnixTests : ReconnectTests
{
    public ReconnectOverUnixTests() => TestWire.UseUnix();
}

public class SendOverUnixTests : SendTests
{
    public SendOverUnixTests(ITestOutputHelper output)
        : base(output) => TestWire.UseUnix();
}

public class BroadcastOverUnixTests : BroadcastTests
{
    public BroadcastOverUnixTests(ITestOutputHelper output)
        : base(output) => TestWire.UseUnix();
}

public class ProtocolErrorOverUnixTests : ProtocolErrorTests
{
    public ProtocolErrorOverUnixTests(ITestOutputHelper output)
        : base(output) => TestWire.UseUnix();
}

public class StopOverUnixTests : StopTests
{
    public StopOverUnixTests(ITestOutputHelper output)
        : base(output) => TestWire.UseUnix();
}

public class LimitOverUnixTests : LimitTests
{
    public LimitOverUnixTests(ITestOutputHelper output)
        : base(output) => TestWire.UseUnix();
}
