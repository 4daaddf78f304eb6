using System.Net;
using SocketKit.Clients;
using SocketKit.Connections;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Clients;

public class ConnectionSlotTests
{
    private static readonly ConnectionSettings Settings =
        new(new SocketClientOptions { Framer = Framers.Lines() }, nameof(SocketClientOptions), handlerRequired: false);

    private readonly ConnectionSlot _slot = new(heldLimit: 1000);
    private readonly Connection _connection = New();

    [Fact]
    public void A_connection_is_the_clients_when_its_hook_has_succeeded()
    {
        _slot.Set(_connection);
        _slot.Open.Should().BeNull();

        TryOpen(_connection, out var next).Should().BeTrue();

        next.Should().BeNull();
        _slot.Open.Should().BeSameAs(_connection);
        TryOpen(_connection, out _).Should().BeFalse("it is open already");
    }

    [Fact]
    public void What_is_held_leaves_in_order_before_the_connection_is_open()
    {
        _slot.Set(_connection);
        var held = new[] { Hold()!, Hold()! };

        foreach (var send in held)
        {
            TryOpen(_connection, out var next).Should().BeFalse();
            next.Should().BeSameAs(send);
            _slot.Open.Should().BeNull();
        }

        TryOpen(_connection, out _).Should().BeTrue();
        Hold().Should().BeNull("no hook runs");
    }

    [Fact]
    public void A_connection_whose_hook_fails_gives_back_what_is_held_and_the_reason()
    {
        _slot.Set(_connection);
        var held = new[] { Hold()!, Hold()! };

        _slot.Release(_connection, Because(CloseKind.Rejected)).Select(send => send.Task).Should().Equal(held);

        _slot.Refusal!.Kind.Should().Be(CloseKind.Rejected);
        TryOpen(_connection, out _).Should().BeFalse();
        Hold().Should().BeNull();
    }

    [Fact]
    public void Another_connections_hook_and_release_do_not_touch_the_one_that_opens()
    {
        var other = New();
        _slot.Set(_connection);
        var held = Hold();

        TryOpen(other, out var next).Should().BeFalse();
        next.Should().BeNull();
        _slot.Release(other, Because(CloseKind.PeerReset)).Should().BeEmpty();

        TryOpen(_connection, out next).Should().BeFalse();
        next.Should().BeSameAs(held);
    }

    [Fact]
    public void An_open_connection_is_lost_from_its_first_cause_of_death_on()
    {
        _slot.Set(_connection);
        TryOpen(_connection, out _);
        _slot.TryLose().Should().BeFalse("it lives");

        _connection.Abort("enough");

        _slot.TryLose().Should().BeTrue();
        _slot.Open.Should().BeNull();
        _slot.LastReason.Should().BeSameAs(_connection.Reason);
        _slot.TryLose().Should().BeFalse("that is known");
    }

    [Fact]
    public void Nothing_is_held_for_a_connection_whose_end_is_known()
    {
        _slot.LastReason = Because(CloseKind.ConnectFailed);
        _slot.Set(_connection);
        _slot.Refusal!.Kind.Should().Be(CloseKind.ConnectFailed);

        _connection.Abort();

        Hold().Should().BeNull();
        _slot.Refusal.Should().BeSameAs(_connection.Reason, "it is newer than the last one's");
    }

    [Fact]
    public void Without_a_connection_nothing_is_held_and_there_is_no_reason()
    {
        Hold().Should().BeNull();
        _slot.Refusal.Should().BeNull();
    }

    private static Connection New() => new(new NoWire(), Settings, new Nobody());

    private bool TryOpen(Connection connection, out Task<Message?>? next)
    {
        var opened = _slot.TryOpen(connection, out var send);
        next = send?.Task;
        return opened;
    }

    private Task<Message?>? Hold() => _slot.TryHold("x"u8.ToArray(), isRequest: false, default, CancellationToken.None)?.Task;

    private sealed class Nobody : IConnectionOwner
    {
        public bool IsServer => true;

        public ISocketServer Server => throw new NotSupportedException();

        public Listener Listener => throw new NotSupportedException();

        public ISocketClient Client => throw new NotSupportedException();

        public Func<IConnection, CancellationToken, ValueTask>? OnOpening => null;

        public void Opened(Connection connection)
        {
        }

        public void Released(Connection connection, CloseReason reason)
        {
        }

        public void Gone(Connection connection, CloseReason reason)
        {
        }

        public IConnection? SetName(Connection connection, string name) => null;

        public bool TrySetName(Connection connection, string name) => true;
    }

    private sealed class NoWire : Transport
    {
        public override EndPoint? LocalEndPoint => null;

        public override EndPoint? RemoteEndPoint => null;

        public override long BytesSent => 0;

        public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer) => throw new IOException("no wire");

        public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => throw new IOException("no wire");

        public override void Abort()
        {
        }

        public override ValueTask DisposeAsync() => default;
    }
}
