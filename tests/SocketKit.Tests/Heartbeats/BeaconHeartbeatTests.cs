using System.Buffers;
using System.Globalization;
using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Heartbeats;

public class BeaconHeartbeatTests
{
    private static readonly TimeSpan Infinite = Timeout.InfiniteTimeSpan;

    [Fact]
    public void By_default_it_sends_after_10_seconds_and_the_peer_is_dead_after_30()
    {
        var policy = new BeaconHeartbeat("beat");

        policy.Interval.Should().Be(TimeSpan.FromSeconds(10));
        policy.Timeout.Should().Be(TimeSpan.FromSeconds(30));
        policy.MaxBeatsPerSecond.Should().Be(100);
        Encoding.UTF8.GetString(policy.Payload.Span).Should().Be("beat");
    }

    [Theory]
    //          received  sent   action                    due
    [InlineData(0.0, 0.0, HeartbeatAction.None, 10.0)]
    [InlineData(0.0, 4.0, HeartbeatAction.None, 6.0)]
    [InlineData(0.0, 9.9, HeartbeatAction.None, 0.1)]
    [InlineData(0.0, 10.0, HeartbeatAction.Send, 10.0)]
    [InlineData(29.0, 3.0, HeartbeatAction.None, 1.0)]
    [InlineData(25.0, 10.0, HeartbeatAction.Send, 5.0)]
    [InlineData(29.9, 12.0, HeartbeatAction.Send, 0.1)]
    [InlineData(30.0, 0.0, HeartbeatAction.Close, null)]
    [InlineData(30.0, 30.0, HeartbeatAction.Close, null)]
    [InlineData(90000.0, 0.0, HeartbeatAction.Close, null)]
    public void It_decides_by_the_times_since_bytes_came_and_went(double received, double sent, HeartbeatAction action, double? due)
    {
        var pulse = new ConnectionPulse { SinceReceived = TimeSpan.FromSeconds(received), SinceSent = TimeSpan.FromSeconds(sent) };

        var decision = new BeaconHeartbeat("beat").Decide(pulse, null);

        decision.Should().Be(new HeartbeatDecision { Action = action, Due = due is null ? Infinite : TimeSpan.FromSeconds(due.Value) });
    }

    [Fact]
    [Trait("Fault", "N03")]
    public void A_peer_that_falls_silent_is_dead_after_the_timeout()
    {
        var driver = new PolicyDriver(new BeaconHeartbeat("beat", TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4)));

        driver.Run(60, second => { if (second < 10.05) { driver.Receive(); } });

        driver.Ended.Should().BeApproximately(14, 0.15);
        driver.LastAction.Should().Be(HeartbeatAction.Close);
        driver.Sent.Should().HaveCount(6).And.BeInAscendingOrder();
        driver.Sent.Zip(driver.Sent.Skip(1), (one, next) => next - one).Should().AllSatisfy(gap => gap.Should().BeApproximately(2, 0.15));
    }

    [Fact]
    public void Two_silent_peers_keep_each_other_alive_for_a_day()
    {
        var one = new PolicyDriver(new BeaconHeartbeat("beat"));
        var other = new PolicyDriver(new BeaconHeartbeat("beat"));
        var heard = (One: 0, Other: 0);

        for (var second = 0; second < 86_400; second++)
        {
            one.Run(1);
            other.Run(1);
            if (one.Sent.Count > heard.One)
            {
                heard.One = one.Sent.Count;
                other.Receive();
            }

            if (other.Sent.Count > heard.Other)
            {
                heard.Other = other.Sent.Count;
                one.Receive();
            }
        }

        one.Ended.Should().BeNull();
        other.Ended.Should().BeNull();
        one.Sent.Count.Should().BeInRange(8_500, 8_640);
    }

    [Fact]
    public void A_busy_sender_sends_no_beat()
    {
        var driver = new PolicyDriver(new BeaconHeartbeat("beat"));

        driver.Run(600, second =>
        {
            driver.Receive();
            if (second % 9 < 0.05)
            {
                driver.SendData();
            }
        });

        driver.Sent.Should().BeEmpty();
        driver.Ended.Should().BeNull();
    }

    [Fact]
    public void What_we_send_is_no_sign_of_life()
    {
        var driver = new PolicyDriver(new BeaconHeartbeat("beat"));

        driver.Run(60, _ => driver.SendData());

        driver.Ended.Should().BeApproximately(30, 0.15);
    }

    [Fact]
    public void Expect_sends_nothing_and_finds_a_dead_peer()
    {
        var policy = BeaconHeartbeat.Expect("beat", TimeSpan.FromSeconds(5));
        var driver = new PolicyDriver(policy);

        driver.Run(60, second => { if (second < 20.05) { driver.Receive(); } });

        driver.Ended.Should().BeApproximately(25, 0.15);
        driver.Sent.Should().BeEmpty();
        policy.Interval.Should().Be(Infinite);
        policy.Classified("beat").Should().Be(HeartbeatKind.Ping);
        BeaconHeartbeat.Expect("beat"u8).Timeout.Should().Be(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void SendOnly_sends_and_never_closes()
    {
        var driver = new PolicyDriver(BeaconHeartbeat.SendOnly("beat"));

        driver.Run(1000);

        driver.Ended.Should().BeNull();
        driver.Sent.Should().HaveCount(99);
        BeaconHeartbeat.SendOnly("beat"u8, TimeSpan.FromSeconds(60)).Interval.Should().Be(TimeSpan.FromSeconds(60));
    }

    [Fact]
    [Trait("Fault", "H01")]
    public void However_late_it_is_asked_it_sends_one_beat_and_makes_one_decision()
    {
        // Time counts only while the connection reads, so a leap shows in the time since something was sent.
        var driver = new PolicyDriver(BeaconHeartbeat.SendOnly("beat"));
        driver.Run(5);

        var decision = driver.Leap(TimeSpan.FromHours(1));

        decision.Should().Be(HeartbeatDecision.Send(TimeSpan.FromSeconds(10)));
        driver.Sent.Should().HaveCount(1);
        driver.Run(9.9);
        driver.Sent.Should().HaveCount(1, "missed beats are not made up for");
    }

    [Fact]
    [Trait("Fault", "H01")]
    public void It_knows_no_clock_so_the_same_facts_decide_the_same()
    {
        var policy = new BeaconHeartbeat("beat");
        var pulse = new ConnectionPulse { SinceReceived = TimeSpan.FromSeconds(12), SinceSent = TimeSpan.FromSeconds(3) };

        var decisions = Enumerable.Range(0, 1000).Select(_ => policy.Decide(pulse, null));

        decisions.Distinct().Should().ContainSingle().Which.Should().Be(HeartbeatDecision.Wait(TimeSpan.FromSeconds(7)));
    }

    [Theory]
    [InlineData("beat", HeartbeatKind.Ping)]
    [InlineData("Beat", HeartbeatKind.None)]
    [InlineData("beat ", HeartbeatKind.None)]
    [InlineData("bea", HeartbeatKind.None)]
    [InlineData("", HeartbeatKind.None)]
    public void Only_exactly_the_payload_is_a_beat(string message, HeartbeatKind expected)
    {
        new BeaconHeartbeat("beat").Classified(message).Should().Be(expected);
    }

    [Fact]
    public void It_writes_the_payload_and_answers_nothing()
    {
        var policy = new BeaconHeartbeat("心跳");

        policy.Written(HeartbeatKind.Ping).Should().Be("心跳");
        policy.Written(HeartbeatKind.Pong, ping: "心跳").Should().BeEmpty();
    }

    [Fact]
    public void An_empty_message_can_be_the_beat()
    {
        var policy = new BeaconHeartbeat("");

        policy.Classified("").Should().Be(HeartbeatKind.Ping);
        policy.Classified("x").Should().Be(HeartbeatKind.None);
    }

    [Fact]
    public void The_payload_is_a_copy()
    {
        byte[] payload = [1, 2];
        var policy = new BeaconHeartbeat(payload);

        payload[0] = 9;

        policy.Classify([1, 2], null).Should().Be(HeartbeatKind.Ping);
    }

    [Fact]
    public void A_small_class_makes_numbered_beats()
    {
        var policy = new NumberedBeacon();

        policy.Written(HeartbeatKind.Ping, new ConnectionPulse { BeatsSent = 41 }).Should().Be("beat 42");
        policy.Classified("beat 7").Should().Be(HeartbeatKind.Ping);
        policy.Classified("be").Should().Be(HeartbeatKind.None);
    }

    [Fact]
    [Trait("Fault", "H05")]
    public void A_flood_of_beats_is_refused_and_an_honest_peer_is_not()
    {
        var flooded = new PolicyDriver(new BeaconHeartbeat("beat"));
        var honest = new PolicyDriver(new BeaconHeartbeat("beat"));

        flooded.Run(60, _ => { flooded.Receive(); flooded.BeatsReceived += 1000; });
        honest.Run(600, _ => { honest.Receive(); honest.BeatsReceived += 9; });

        flooded.LastAction.Should().Be(HeartbeatAction.Refuse);
        flooded.Ended.Should().BeLessThanOrEqualTo(15);
        honest.Ended.Should().BeNull();
    }

    [Fact]
    [Trait("Fault", "H05")]
    public void What_piled_up_while_nobody_read_is_no_flood_and_a_late_flood_is_one()
    {
        var driver = new PolicyDriver(BeaconHeartbeat.Expect("beat")) { BeatsReceived = 400 };

        driver.Run(300, _ => driver.Receive());
        driver.Ended.Should().BeNull();
        driver.Run(60, _ => { driver.Receive(); driver.BeatsReceived += 1000; });

        driver.LastAction.Should().Be(HeartbeatAction.Refuse, "the average counts from the last decision, not from the beginning");
    }

    [Theory]
    [Trait("Fault", "H05")]
    [InlineData(100.0, false)]
    [InlineData(100.1, true)]
    public void The_rate_that_the_connection_measured_decides(double rate, bool refused)
    {
        var pulse = new ConnectionPulse { BeatsPerSecond = rate };

        (new BeaconHeartbeat("beat").Decide(pulse, null) == HeartbeatDecision.Refuse).Should().Be(refused);
        (new PingPongHeartbeat("ping", "pong").Decide(pulse, null) == HeartbeatDecision.Refuse).Should().Be(refused);
    }

    [Fact]
    public void The_largest_rate_is_an_option()
    {
        var driver = new PolicyDriver(new BeaconHeartbeat("beat") { MaxBeatsPerSecond = 5 });

        driver.Run(60, _ => { driver.Receive(); driver.BeatsReceived++; });

        driver.LastAction.Should().Be(HeartbeatAction.Refuse);
        FluentActions.Invoking(() => new BeaconHeartbeat("beat") { MaxBeatsPerSecond = 0 }).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void One_time_alone_gives_the_other_a_default_that_suits()
    {
        new BeaconHeartbeat("beat", interval: TimeSpan.FromSeconds(60)).Timeout.Should().Be(TimeSpan.FromSeconds(180));
        new BeaconHeartbeat("beat", timeout: TimeSpan.FromSeconds(6)).Interval.Should().Be(TimeSpan.FromSeconds(2));
        new BeaconHeartbeat("beat", timeout: TimeSpan.FromSeconds(300)).Interval.Should().Be(TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData(0, 30_000)]
    [InlineData(99, 30_000)]
    [InlineData(-5, 30_000)]
    [InlineData(86_400_001, -1)]
    [InlineData(10_000, 10_000)]
    [InlineData(10_000, 5_000)]
    [InlineData(10_000, 86_400_001)]
    public void Times_out_of_range_are_refused(int interval, int timeout)
    {
        FluentActions.Invoking(() => new BeaconHeartbeat("beat", TimeSpan.FromMilliseconds(interval), TimeSpan.FromMilliseconds(timeout)))
            .Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Other_bad_input_is_refused()
    {
        FluentActions.Invoking(() => new BeaconHeartbeat("beat", Infinite, Infinite)).Should().Throw<ArgumentException>().WithMessage("*NoHeartbeat*");
        FluentActions.Invoking(() => new BeaconHeartbeat((string)null!)).Should().Throw<ArgumentNullException>().WithParameterName("payload");
        FluentActions.Invoking(() => new BeaconHeartbeat("\uD800")).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Deciding_classifying_and_writing_allocate_nothing()
    {
        var policy = new BeaconHeartbeat("beat");
        var output = new ArrayBufferWriter<byte>(16);
        var beat = "beat"u8.ToArray();

        Allocations.Of(() =>
        {
            _ = policy.Decide(new ConnectionPulse { SinceOpened = TimeSpan.FromDays(1) }, null);
            _ = policy.Classify(beat, null);
            output.ResetWrittenCount();
            policy.Write(HeartbeatKind.Ping, default, default, null, output);
        }).Should().Be(0);
    }

    private sealed class NumberedBeacon() : BeaconHeartbeat("beat ")
    {
        protected override bool IsBeat(ReadOnlySpan<byte> message, object? state) => message.StartsWith(Payload.Span);

        protected override void WriteBeat(in ConnectionPulse pulse, object? state, IBufferWriter<byte> output)
        {
            output.Write(Payload.Span);
            output.Write(Encoding.ASCII.GetBytes((pulse.BeatsSent + 1).ToString(CultureInfo.InvariantCulture)));
        }
    }
}
