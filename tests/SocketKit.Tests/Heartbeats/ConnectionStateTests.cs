using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Heartbeats;

/// <summary>What a policy keeps for each connection, and which of its methods may meet there.</summary>
public class ConnectionStateTests
{
    [Fact]
    public async Task Each_connection_has_a_state_of_its_own_which_all_methods_get()
    {
        var policy = new Noting();
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = policy);
        await using var first = await bed.ConnectRawAsync();
        await using var second = await bed.ConnectRawAsync();

        policy.States.Keys.Should().BeEquivalentTo(bed.Sessions.Select(session => session.Connection.Id));
        policy.States.Values.Should().AllSatisfy(state => state.Calls.Should().BeEmpty());
        await first.SendAsync("ping\n");
        await second.SendAsync("hello\n");
        bed.Advance(1.2);

        var (one, other) = (policy.States[bed.Sessions.First().Connection.Id], policy.States[bed.Sessions.Last().Connection.Id]);
        one.Calls.Should().ContainInOrder("classify ping", "write Pong", "decide", "write Ping");
        other.Calls.Should().ContainInOrder("classify hello", "decide", "write Ping").And.NotContain("write Pong");
        policy.States.Should().HaveCount(2);
    }

    [Fact]
    public async Task A_client_that_connects_again_gets_a_new_state()
    {
        var policy = new Noting();
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync(options => options.Heartbeat = policy);
        await client.DisconnectAsync();
        bed.Network.Settle();
        await client.ConnectAsync().Soon();

        policy.States.Should().HaveCount(2).And.ContainKey(client.Connection!.Id);
    }

    [Fact]
    public async Task It_is_made_before_the_handler_and_before_the_first_message_also_while_the_connect_hook_runs()
    {
        var policy = new Noting();
        await using var bed = await new TestBed().StartAsync((connection, message) => connection.SendAsync("ping"));
        await using var client = await bed.ConnectAsync(options =>
        {
            options.Heartbeat = policy;
            options.OnOpening = async (connection, _) =>
            {
                policy.States[connection.Id].HandlerWasThere.Should().BeFalse();
                await connection.SendAsync("login");
                while (!policy.States[connection.Id].Calls.Contains("write Pong"))
                {
                    await Task.Yield();
                }
            };
        });

        policy.States[client.Connection!.Id].Calls.Should().StartWith(["classify ping", "write Pong"], "and Decide waits for the handler");
    }

    [Fact]
    public async Task A_beat_can_carry_the_next_sequence_number_of_its_session()
    {
        await using var bed = await new TestBed().StartAsync(
            connection => new Device(connection), options => options.Heartbeat = new SequencedHeartbeat(TimeSpan.FromSeconds(1)));
        await using var peer = await bed.ConnectRawAsync();
        await using var other = await bed.ConnectRawAsync();

        await peer.SendAsync("a\nb\n");
        bed.Advance(1.2);
        await peer.SendAsync("c\nBEAT 17\n");
        bed.Advance(1.2);

        const string expected = "1 a\n2 b\nBEAT 3\n4 c\nBEAT 5\n";
        (await peer.ReceiveAsync(expected.Length)).Should().Be(expected);
        (await other.ReceiveAsync()).Should().Be("BEAT 1\nBEAT 2\n", "each session counts for itself");
    }

    [Fact]
    public async Task A_beat_that_is_skipped_uses_up_no_number()
    {
        await using var bed = await new TestBed(capacity: 64).StartAsync(
            connection => new Device(connection), options => options.Heartbeat = new SequencedHeartbeat(TimeSpan.FromSeconds(1)));
        await using var peer = await bed.ConnectRawAsync();
        var text = new string('x', 500);
        await peer.SendAsync(text[..50] + "\n");
        var device = (Device)bed.Server.Connections.Single().Handler;
        _ = device.SendAsync(text).AsTask();
        bed.Advance(5);
        device.LastNumber.Should().Be(2, "bytes are queued");

        var expected = $"1 {text[..50]}\n2 {text}\n";
        (await peer.ReceiveAsync(expected.Length)).Should().Be(expected);
        bed.Advance(1.2);
        (await peer.ReceiveAsync()).Should().Be("BEAT 3\n");
    }

    [Fact]
    public async Task Messages_are_classified_and_pings_answered_while_a_decision_takes_its_time()
    {
        using var release = new ManualResetEventSlim();
        var policy = new Noting { Deciding = release };
        await using var bed = await new TestBed().StartAsync(
            configure: options => (options.Heartbeat, options.TimeProvider) = (policy, TimeProvider.System));
        await using var peer = await bed.ConnectRawAsync();
        try
        {
            var state = await Eventually.SomeAsync(() => policy.States.Values.SingleOrDefault(state => state.Calls.Contains("decide")));

            await peer.SendAsync("ping\n");
            (await peer.ReceiveAsync(5)).Should().Be("pong\n");

            state.Calls.Should().Contain("write Pong");
            state.InDecide.Should().BeTrue("that is why a state which both use must be thread-safe");
        }
        finally
        {
            release.Set();
        }
    }

    [Fact]
    public void The_shipped_policies_make_none()
    {
        var connection = new RecordingConnection();
        IHeartbeatPolicy[] shipped = [new BeaconHeartbeat("beat"), new PingPongHeartbeat("ping", "pong"), NoHeartbeat.Instance];
        foreach (var policy in shipped)
        {
            policy.CreateState(connection).Should().BeNull();
            Allocations.Of(() => policy.CreateState(connection)).Should().Be(0);
        }
    }

    /// <summary>A session that numbers what it sends, beats too.</summary>
    private sealed class Device(IConnection connection) : ConnectionHandler
    {
        private int _number;

        public int LastNumber => _number;

        // The clock takes numbers for beats while a handler takes them for messages.
        public int NextNumber() => Interlocked.Increment(ref _number);

        public ValueTask SendAsync(string text) =>
            connection.SendAsync(string.Create(CultureInfo.InvariantCulture, $"{NextNumber()} {text}"));

        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message) => SendAsync(message.Text());
    }

    private sealed class SequencedHeartbeat(TimeSpan interval)
        : BeaconHeartbeat("BEAT ", interval, System.Threading.Timeout.InfiniteTimeSpan)
    {
        public override object CreateState(IConnection connection) => connection;

        protected override bool IsBeat(ReadOnlySpan<byte> message, object? state) => message.StartsWith(Payload.Span);

        protected override void WriteBeat(in ConnectionPulse pulse, object? state, IBufferWriter<byte> output)
        {
            var device = (Device)((IConnection)state!).Handler;
            output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"BEAT {device.NextNumber()}")));
        }
    }

    /// <summary>Notes its calls for each connection in its state.</summary>
    private sealed class Noting : IHeartbeatPolicy
    {
        public ConcurrentDictionary<long, State> States { get; } = [];

        /// <summary>Decisions wait for it.</summary>
        public ManualResetEventSlim? Deciding { get; init; }

        public object CreateState(IConnection connection)
        {
            var state = new State { HandlerWasThere = HasHandler(connection) };
            States.TryAdd(connection.Id, state).Should().BeTrue("one is made for each connection");
            return state;
        }

        public HeartbeatDecision Decide(in ConnectionPulse pulse, object? state)
        {
            var mine = (State)state!;
            mine.Calls.Enqueue("decide");
            mine.InDecide = true;
            Deciding?.Wait(TestBed.Patience);
            mine.InDecide = false;
            var second = TimeSpan.FromSeconds(1);
            return pulse.SinceSent >= second ? HeartbeatDecision.Send(second) : HeartbeatDecision.Wait(TimeSpan.Zero);
        }

        public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state)
        {
            ((State)state!).Calls.Enqueue("classify " + Encoding.UTF8.GetString(message));
            return message.SequenceEqual("ping"u8) ? HeartbeatKind.Ping : HeartbeatKind.None;
        }

        public void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
        {
            ((State)state!).Calls.Enqueue("write " + kind);
            output.Write(kind == HeartbeatKind.Ping ? "ping"u8 : "pong"u8);
        }

        private static bool HasHandler(IConnection connection)
        {
            try
            {
                return connection.Handler is not null;
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }
    }

    private sealed class State
    {
        public ConcurrentQueue<string> Calls { get; } = new();

        public bool HandlerWasThere { get; init; }

        public volatile bool InDecide;
    }
}
