using System.Buffers;
using SocketKit.Clock;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Clock;

public class ConnectionClockTests
{
    // More than it takes at a time, and those that leave in the middle of a round are of all places.
    [Fact]
    public async Task Each_connection_ticks_once_a_round_although_others_leave_meanwhile()
    {
        const int Connections = 200;
        var policy = new CountingPolicy();
        await using var bed = await new TestBed().StartAsync(configure: options => options.Heartbeat = policy);
        var peers = new List<RawPeer>();
        for (var i = 0; i < Connections; i++)
        {
            peers.Add(await bed.ConnectRawAsync());
        }

        bed.Advance(0.1);
        policy.Rounds.Should().HaveCount(Connections).And.OnlyContain(round => round.Value == 1);

        var leaving = bed.Sessions.Where((_, index) => index % 3 == 0).ToArray();
        policy.AtNext = () =>
        {
            foreach (var session in leaving)
            {
                session.Connection.Abort();
            }

            bed.Network.Settle();
        };
        bed.Time.Advance(ConnectionClock.Interval);
        bed.Network.Settle();

        bed.Server.Connections.Count.Should().Be(Connections - leaving.Length);
        policy.Rounds.Values.Should().OnlyContain(rounds => rounds == 1 || rounds == 2);
        policy.Rounds.Values.Count(rounds => rounds == 2).Should().BeInRange(Connections - leaving.Length, Connections);
        policy.Forget();
        bed.Advance(0.1);
        policy.Rounds.Should().HaveCount(Connections - leaving.Length).And.OnlyContain(round => round.Value == 1);
        foreach (var peer in peers)
        {
            await peer.DisposeAsync();
        }
    }

    /// <summary>
    /// Counts the decisions for each connection, which it tells apart by its state. The ticks are the test's, so one at a time.
    /// </summary>
    private sealed class CountingPolicy : IHeartbeatPolicy
    {
        private long _last;

        private sealed class Number
        {
            public long Value { get; set; }
        }

        public Dictionary<long, int> Rounds { get; } = [];

        public Action? AtNext { get; set; }

        public void Forget() => Rounds.Clear();

        public object CreateState(IConnection connection) => new Number();

        public HeartbeatDecision Decide(in ConnectionPulse pulse, object? state)
        {
            var number = (Number)state!;
            if (number.Value == 0)
            {
                number.Value = ++_last;
            }

            Rounds[number.Value] = Rounds.GetValueOrDefault(number.Value) + 1;
            var act = AtNext;
            AtNext = null;
            act?.Invoke();
            return HeartbeatDecision.Wait(TimeSpan.Zero);
        }

        public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state) => HeartbeatKind.None;

        public void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
        {
        }
    }
}
