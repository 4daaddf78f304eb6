using System.Buffers;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using SocketKit.Connections;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Connections.HeartbeatRunner;

namespace SocketKit.Tests.Connections;

public class HeartbeatRunnerTests
{
    private const long Second = TimeSpan.TicksPerSecond;

    // The liveness clock does not begin at zero.
    private const long Opened = 1_000 * Second;

    private readonly ScriptedPolicy _policy = new();
    private readonly FakeTimeProvider _time = new();
    private readonly HeartbeatRunner _beats;

    public HeartbeatRunnerTests() => _beats = new HeartbeatRunner(_policy, _time);

    // ---- When the policy is asked ----

    [Fact]
    public void It_is_asked_at_the_first_tick_and_then_when_its_due_time_has_come()
    {
        Tick(0).Should().BeTrue();
        Decide(0, HeartbeatDecision.Wait(TimeSpan.FromSeconds(3)));

        Tick(2.9).Should().BeFalse();
        DueAfter(2.9).Should().Be(3);
        Tick(3).Should().BeTrue();
        Tick(4).Should().BeTrue("it was not asked yet");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5_000_000)]
    [InlineData(long.MinValue)]
    public void A_due_time_that_is_none_is_the_next_tick(long due)
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Wait(new TimeSpan(due)));

        DueAfter(0).Should().Be(0);
        Tick(0.1).Should().BeTrue();
    }

    [Fact]
    public void An_infinite_due_time_is_never()
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Never);

        _beats.DueAt(Opened).Should().Be(long.MaxValue);
        Tick(1_000_000).Should().BeFalse();
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MaxValue - Opened + 1)]
    [InlineData(long.MaxValue - Opened)]
    public void An_overlong_due_time_is_never_and_does_not_overflow(long due)
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Wait(new TimeSpan(due)));

        _beats.DueAt(Opened).Should().Be(long.MaxValue);
        Tick(1_000_000).Should().BeFalse();
    }

    [Theory]
    [InlineData(HeartbeatAction.None, nameof(Verdict.None))]
    [InlineData(HeartbeatAction.Send, nameof(Verdict.SendPing))]
    [InlineData(HeartbeatAction.Refuse, nameof(Verdict.Refused))]
    public void What_it_wants_is_done_at_once_but_for_a_death(HeartbeatAction action, string expected)
    {
        Tick(0);
        Decide(0, new HeartbeatDecision { Action = action, Due = TimeSpan.FromSeconds(1) }).Should().Be(Enum.Parse<Verdict>(expected));
        DueAfter(0).Should().Be(1);
    }

    [Fact]
    public void A_first_tick_while_nobody_reads_finds_no_silence_yet()
    {
        _beats.Tick(Opened, step: Second / 10, isReading: false);

        TakePulse(0).SinceReceived.Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void It_gets_its_state_and_the_pulse_in_each_call()
    {
        var connection = new RecordingConnection();
        _policy.OnWrite = (_, _) => "beat";
        _beats.CreateState(connection);
        Tick(0);
        var pulse = TakePulse(0) with { BeatsSent = 7 };

        _beats.Decide(pulse, Opened);
        _beats.WritePing(pulse);
        _beats.WritePong(pulse, "ping"u8);
        _beats.Classify("message"u8);

        _policy.States.Should().HaveCount(4).And.AllBeEquivalentTo(connection);
        _policy.Pulses.Should().Equal(pulse, pulse, pulse);
        _beats.Name.Should().Be(nameof(ScriptedPolicy));
    }

    // ---- Whether the clock is inside of the policy ----

    [Fact]
    public void The_clock_is_inside_of_the_policy_while_that_decides_or_writes_a_ping()
    {
        var inside = new List<bool>();
        _policy.OnDecide = () =>
        {
            inside.Add(_beats.AsksPolicy);
            return HeartbeatDecision.Never;
        };
        _policy.OnWrite = (_, _) =>
        {
            inside.Add(_beats.AsksPolicy);
            return "beat";
        };
        Tick(0);

        _beats.Decide(default, Opened);
        inside.Add(_beats.AsksPolicy);
        _beats.WritePing(default);
        inside.Add(_beats.AsksPolicy);
        _beats.WritePong(default, default);

        inside.Should().Equal([true, false, true, false, false], "a pong is written by the receive loop");
    }

    [Fact]
    public void The_clock_is_outside_of_a_policy_that_has_thrown()
    {
        _policy.OnDecide = () => throw new InvalidOperationException("decides nothing");
        _policy.OnWrite = (_, _) => throw new InvalidOperationException("writes nothing");
        Tick(0);
        var decide = () => _beats.Decide(default, Opened);
        var write = () => _beats.WritePing(default).Length;

        decide.Should().Throw<InvalidOperationException>().WithMessage("decides nothing");
        _beats.AsksPolicy.Should().BeFalse();
        write.Should().Throw<InvalidOperationException>().WithMessage("writes nothing");
        _beats.AsksPolicy.Should().BeFalse();
    }

    [Fact]
    public void A_policy_that_throws_changes_neither_its_due_time_nor_the_last_chance()
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Wait(TimeSpan.FromSeconds(1)));
        Tick(1);
        Decide(1, HeartbeatDecision.Close).Should().Be(Verdict.LookOnceMore);
        _beats.LookedOnceMore();
        _policy.OnDecide = () => throw new InvalidOperationException();
        Tick(1.1).Should().BeTrue();
        var decide = () => _beats.Decide(default, At(1.1));
        decide.Should().Throw<InvalidOperationException>();

        Tick(1.2).Should().BeTrue();
        Decide(1.2, HeartbeatDecision.Close).Should().Be(Verdict.Dead);
    }

    // ---- The last chance ----

    [Fact]
    public void A_peer_is_dead_only_when_the_engine_was_looked_at_once_more_and_the_policy_says_so_again()
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Close).Should().Be(Verdict.LookOnceMore);
        Tick(0.1).Should().BeTrue();
        Decide(0.1, HeartbeatDecision.Close).Should().Be(Verdict.None, "one look is queued");
        Tick(0.2);
        Decide(0.2, HeartbeatDecision.Close).Should().Be(Verdict.None);

        _beats.LookedOnceMore();

        Tick(0.3).Should().BeTrue();
        Decide(0.3, HeartbeatDecision.Close).Should().Be(Verdict.Dead);
    }

    [Fact]
    public void Each_tick_looks_again_while_a_peer_has_its_last_chance()
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Close);
        DueAfter(0.1).Should().Be(0.1, "a tick is due when it comes");

        Decide(0.1, HeartbeatDecision.Wait(TimeSpan.FromHours(1)));

        DueAfter(0.2).Should().Be(0.2, "the look is still queued");
        Tick(0.2).Should().BeTrue();
        _beats.LookedOnceMore();
        DueAfter(0.3).Should().Be(0.3);
        Tick(0.3).Should().BeTrue();
    }

    [Fact]
    public void Bytes_that_come_while_the_look_is_queued_end_the_last_chance()
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Close);
        _beats.Heard();
        Tick(0.1);
        _beats.LookedOnceMore();

        Decide(0.1, HeartbeatDecision.Close).Should().Be(Verdict.LookOnceMore, "the look before was for another silence");
    }

    [Fact]
    public void Bytes_that_the_look_has_brought_end_the_last_chance()
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Close);
        _beats.LookedOnceMore();
        _beats.Heard();
        Tick(0.1);

        Decide(0.1, HeartbeatDecision.Close).Should().Be(Verdict.LookOnceMore);
    }

    [Fact]
    public void Another_decision_behind_the_look_ends_the_last_chance()
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Close);
        _beats.LookedOnceMore();
        Tick(0.1);
        Decide(0.1, HeartbeatDecision.Wait(TimeSpan.FromSeconds(1))).Should().Be(Verdict.None);
        DueAfter(0.1).Should().Be(1.1);
        Tick(0.2).Should().BeFalse();
        Tick(1.1).Should().BeTrue();

        Decide(1.1, HeartbeatDecision.Close).Should().Be(Verdict.LookOnceMore);
    }

    [Fact]
    public void Another_decision_while_the_look_is_queued_does_not_queue_a_second_one()
    {
        Tick(0);
        Decide(0, HeartbeatDecision.Close);
        Tick(0.1);
        Decide(0.1, HeartbeatDecision.Send(TimeSpan.Zero)).Should().Be(Verdict.SendPing);
        Tick(0.2);
        Decide(0.2, HeartbeatDecision.Close).Should().Be(Verdict.None);

        _beats.LookedOnceMore();

        Tick(0.3);
        Decide(0.3, HeartbeatDecision.Close).Should().Be(Verdict.Dead);
    }

    [Fact]
    public void A_look_that_nobody_asked_for_is_no_last_chance()
    {
        Tick(0);
        _beats.LookedOnceMore();

        Decide(0, HeartbeatDecision.Close).Should().Be(Verdict.LookOnceMore);
    }

    // ---- The pulse: what was heard and sent ----

    [Fact]
    public void Times_begin_with_the_first_tick()
    {
        Tick(0);

        TakePulse(0).Should().Be(default(ConnectionPulse));

        Tick(2);
        var pulse = TakePulse(2);
        pulse.SinceOpened.Should().Be(TimeSpan.FromSeconds(2));
        pulse.SinceReceived.Should().Be(TimeSpan.FromSeconds(2));
        pulse.SinceSent.Should().Be(TimeSpan.FromSeconds(2));
        pulse.SincePing.Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void What_came_or_was_sent_since_the_last_tick_begins_its_silence_anew()
    {
        Tick(0);
        _beats.IsQuiet.Should().BeTrue();
        _beats.Heard();
        _beats.IsQuiet.Should().BeFalse();
        Tick(1);
        _beats.IsQuiet.Should().BeTrue();
        _beats.Spoke();
        _beats.IsQuiet.Should().BeFalse();
        Tick(2);
        _beats.IsQuiet.Should().BeTrue();
        Tick(5);

        var pulse = TakePulse(5);

        pulse.SinceReceived.Should().Be(TimeSpan.FromSeconds(4));
        pulse.SinceSent.Should().Be(TimeSpan.FromSeconds(3));
        pulse.SinceOpened.Should().Be(TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Silence_while_nobody_reads_is_not_the_peers()
    {
        Tick(0);
        Tick(1);
        Tick(3, step: 2, isReading: false);
        TakePulse(3).SinceReceived.Should().Be(TimeSpan.FromSeconds(1));
        Tick(4, step: 1, isReading: false);
        TakePulse(4).SinceReceived.Should().Be(TimeSpan.FromSeconds(1));

        Tick(5);

        var pulse = TakePulse(5);
        pulse.SinceReceived.Should().Be(TimeSpan.FromSeconds(2));
        pulse.SinceSent.Should().Be(TimeSpan.FromSeconds(5), "only listening needs somebody who reads");
    }

    [Fact]
    public void What_came_counts_though_nobody_reads_now()
    {
        Tick(0);
        _beats.Heard();

        Tick(2, step: 2, isReading: false);

        TakePulse(2).SinceReceived.Should().Be(TimeSpan.Zero);
    }

    [Fact]
    public void The_mean_time_between_arrivals_begins_with_the_second_and_follows_slowly()
    {
        Tick(0);
        Arrive(at: 5);
        Arrivals(5).Should().Be((TimeSpan.Zero, TimeSpan.Zero), "nothing came before it");
        Arrive(at: 7);
        Arrivals(7).Should().Be((TimeSpan.FromSeconds(2), TimeSpan.Zero));

        // Two seconds later than expected, of which a sixteenth counts.
        Arrive(at: 11);
        Arrivals(11).Should().Be((TimeSpan.FromSeconds(2.125), TimeSpan.FromSeconds(0.125)));
        Arrive(at: 11.125);
        Arrivals(11.125).Should().Be((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(0.125 + ((2 - 0.125) / 16))));
    }

    [Fact]
    public void Time_in_which_nobody_read_is_no_part_of_the_time_between_arrivals()
    {
        Tick(0);
        Arrive(at: 1);
        Tick(4, step: 3, isReading: false);

        Arrive(at: 6);

        Arrivals(6).Mean.Should().Be(TimeSpan.FromSeconds(2));
    }

    // ---- The pulse: pings and pongs ----

    [Fact]
    public void A_ping_counts_when_it_is_queued_and_its_time_begins_when_it_is_sent()
    {
        Tick(0);
        Tick(3);
        _beats.PingQueuedLocked();
        _beats.PingSent(At(3));
        Tick(4);
        _beats.PingQueuedLocked();
        _beats.PingSent(At(4));

        var pulse = TakePulse(6);

        pulse.BeatsSent.Should().Be(2);
        pulse.PingsOutstanding.Should().Be(2);
        pulse.SincePing.Should().Be(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public void Any_pong_answers_all_pings_and_tells_how_long_the_last_one_took()
    {
        Tick(0);
        _beats.LastRoundTripLocked().Should().BeNull();
        _beats.PingQueuedLocked();
        _time.Advance(TimeSpan.FromSeconds(1));
        _beats.PingQueuedLocked();
        _time.Advance(TimeSpan.FromMilliseconds(250));

        _beats.PongReceivedLocked().Should().Be(TimeSpan.FromMilliseconds(250));

        var pulse = TakePulse(2);
        pulse.PingsOutstanding.Should().Be(0);
        pulse.BeatsSent.Should().Be(2);
        pulse.BeatsReceived.Should().Be(1);
        pulse.LastRoundTrip.Should().Be(TimeSpan.FromMilliseconds(250));
        _beats.LastRoundTripLocked().Should().Be(TimeSpan.FromMilliseconds(250));
    }

    [Fact]
    public void A_pong_that_nobody_asked_for_is_a_beat_and_no_round_trip()
    {
        Tick(0);
        _beats.PingQueuedLocked();
        _time.Advance(TimeSpan.FromSeconds(1));
        _beats.PongReceivedLocked();
        _time.Advance(TimeSpan.FromSeconds(1));

        _beats.PongReceivedLocked().Should().BeNull();

        _beats.LastRoundTripLocked().Should().Be(TimeSpan.FromSeconds(1));
        TakePulse(2).BeatsReceived.Should().Be(2);
    }

    [Fact]
    public void A_pong_is_written_by_the_counts_and_without_times()
    {
        Tick(0);
        _beats.PingQueuedLocked();
        _time.Advance(TimeSpan.FromSeconds(1));
        _beats.PongReceivedLocked();
        _beats.PingQueuedLocked();
        for (var i = 0; i < 9; i++)
        {
            _beats.PingReceivedLocked();
        }

        Tick(5);
        TakePulse(5).BeatsPerSecond.Should().Be(2);

        _beats.PingReceivedLocked().Should().Be(new ConnectionPulse
        {
            BeatsReceived = 11,
            BeatsPerSecond = 2,
            BeatsSent = 2,
            PingsOutstanding = 1,
            LastRoundTrip = TimeSpan.FromSeconds(1),
        });
    }

    [Fact]
    public void What_the_policy_writes_is_the_payload_and_of_a_pong_it_sees_the_ping()
    {
        _policy.OnWrite = (kind, ping) => $"{kind} {ping}";

        Encoding.UTF8.GetString(_beats.WritePing(default)).Should().Be("Ping ");
        Encoding.UTF8.GetString(_beats.WritePong(default, "of the peer"u8)).Should().Be("Pong of the peer");
        _policy.OnWrite = (_, _) => "";
        _beats.WritePong(default, "of the peer"u8).IsEmpty.Should().BeTrue();
        _beats.Classify("ping"u8).Should().Be(HeartbeatKind.Ping);
        _beats.Classify("pong"u8).Should().Be(HeartbeatKind.Pong);
        _beats.Classify("message"u8).Should().Be(HeartbeatKind.None);
    }

    [Fact]
    public void Of_the_pongs_that_are_held_back_the_newest_is_kept_and_taken_once()
    {
        _beats.TakeHeldPongLocked().Should().BeNull();
        byte[] pong = [1];
        _beats.HoldPongLocked(pong);
        pong[0] = 2;
        _beats.HoldPongLocked(pong);
        pong[0] = 3;

        _beats.TakeHeldPongLocked().Should().Equal(2);

        _beats.TakeHeldPongLocked().Should().BeNull();
    }

    private static long At(double seconds) => Opened + (long)(seconds * Second);

    private bool Tick(double at, double step = 0.1, bool isReading = true) => _beats.Tick(At(at), (long)(step * Second), isReading);

    private Verdict Decide(double at, HeartbeatDecision decision)
    {
        _policy.OnDecide = () => decision;
        return _beats.Decide(TakePulse(at), At(at));
    }

    private ConnectionPulse TakePulse(double at) => _beats.TakePulseLocked(At(at));

    /// <summary>In seconds since the opening.</summary>
    private double DueAfter(double at) => (_beats.DueAt(At(at)) - Opened) / (double)Second;

    private void Arrive(double at)
    {
        _beats.Heard();
        Tick(at);
    }

    private (TimeSpan Mean, TimeSpan Deviation) Arrivals(double at)
    {
        var pulse = TakePulse(at);
        return (pulse.ArrivalMean, pulse.ArrivalDeviation);
    }

    /// <summary>A policy out of functions, which keeps what it is given. The state is the connection.</summary>
    private sealed class ScriptedPolicy : IHeartbeatPolicy
    {
        public Func<HeartbeatDecision> OnDecide { get; set; } = () => HeartbeatDecision.Never;

        /// <summary>Gets the ping as text.</summary>
        public Func<HeartbeatKind, string, string> OnWrite { get; set; } = (_, _) => "";

        public List<object?> States { get; } = [];

        public List<ConnectionPulse> Pulses { get; } = [];

        public object? CreateState(IConnection connection) => connection;

        public HeartbeatDecision Decide(in ConnectionPulse pulse, object? state)
        {
            States.Add(state);
            Pulses.Add(pulse);
            return OnDecide();
        }

        public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state)
        {
            States.Add(state);
            return Encoding.UTF8.GetString(message) switch
            {
                "ping" => HeartbeatKind.Ping,
                "pong" => HeartbeatKind.Pong,
                _ => HeartbeatKind.None,
            };
        }

        public void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
        {
            States.Add(state);
            Pulses.Add(pulse);
            output.Write(Encoding.UTF8.GetBytes(OnWrite(kind, Encoding.UTF8.GetString(ping))));
        }
    }
}
