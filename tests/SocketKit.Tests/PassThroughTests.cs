using SocketKit.Tests.Connections;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

// A decorator of a program's own, which sees no internals, loses nothing: the tests of what a transport tells its connection, once more
// through one.

public class HeartbeatPassThroughTests : HeartbeatTests
{
    public HeartbeatPassThroughTests() => TestBed.UsePassThrough();
}

public class SlowConsumerPassThroughTests : SlowConsumerTests
{
    public SlowConsumerPassThroughTests() => TestBed.UsePassThrough();
}

public class PeerEndPassThroughTests : PeerEndTests
{
    public PeerEndPassThroughTests() => TestBed.UsePassThrough();
}

public class SendBatchPassThroughTests : SendBatchTests
{
    public SendBatchPassThroughTests() => TestBed.UsePassThrough();
}
