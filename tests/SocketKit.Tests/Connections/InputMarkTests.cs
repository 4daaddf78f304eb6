using System.Net;
using SocketKit.Connections;

namespace SocketKit.Tests.Connections;

public class InputMarkTests
{
    private const int MostUncounted = 4 * 1024 * 1024;

    private readonly InputMark _mark = new();
    private readonly Wire _wire = new();

    [Fact]
    public void What_the_transport_had_when_the_loop_first_looked_is_still_wanted_and_what_comes_later_is_not()
    {
        (_wire.Received, _wire.Unread) = (100, 50);
        _mark.Look(_wire);

        (_wire.Received, _wire.Unread) = (150, 0);
        _mark.Look(_wire);
        _mark.IsReached.Should().BeFalse("one more receive may bring what a decorator still holds");

        _wire.Received = 151;
        _mark.Look(_wire);
        _mark.IsReached.Should().BeTrue();
    }

    [Fact]
    public void Where_the_transport_does_not_count_so_many_bytes_are_wanted()
    {
        (_wire.Received, _wire.Unread) = (-1, -1);
        _mark.Look(_wire);
        _mark.Count(MostUncounted - 1);
        _mark.Look(_wire);
        _mark.IsReached.Should().BeFalse();

        _mark.Count(1);
        _mark.Look(_wire);

        _mark.IsReached.Should().BeTrue();
    }

    [Fact]
    public void A_receive_that_waits_for_nothing_reaches_it()
    {
        _mark.Reach();

        _mark.IsReached.Should().BeTrue();
    }

    private sealed class Wire : Transport
    {
        public long Received { get; set; }

        public long Unread { get; set; }

        public override EndPoint? LocalEndPoint => null;

        public override EndPoint? RemoteEndPoint => null;

        public override long BytesReceived => Received;

        public override long BytesUnread => Unread;

        public override long BytesSent => 0;

        public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer) => throw new NotSupportedException();

        public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => throw new NotSupportedException();

        public override void Abort() => throw new NotSupportedException();

        public override ValueTask DisposeAsync() => throw new NotSupportedException();
    }
}
