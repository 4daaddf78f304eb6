using System.Buffers;
using System.Buffers.Text;
using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Heartbeats;

public class PingPongHeartbeatTests
{
    private static readonly TimeSpan Infinite = Timeout.InfiniteTimeSpan;

    [Fact]
    public void By_default_it_pings_after_10_seconds_and_the_peer_is_dead_after_30()
    {
        var policy = new PingPongHeartbeat("ping", "pong");

        policy.Interval.Should().Be(TimeSpan.FromSeconds(10));
        policy.Timeout.Should().Be(TimeSpan.FromSeconds(30));
        policy.MaxBeatsPerSecond.Should().Be(100);
        Encoding.UTF8.GetString(policy.Ping.Span).Should().Be("ping");
        Encoding.UTF8.GetString(policy.Pong.Span).Should().Be("pong");
    }

    [Theory]
    //          received  sent  beats  open  since ping  action                  due
    [InlineData(0.0, 0.0, 0, 0, 0.0, HeartbeatAction.None, 10.0)]
    [InlineData(3.0, 4.0, 0, 0, 0.0, HeartbeatAction.None, 6.0)]
    [InlineData(10.0, 0.0, 0, 0, 0.0, HeartbeatAction.Send, 10.0)]
    [InlineData(0.0, 10.0, 0, 0, 0.0, HeartbeatAction.Send, 10.0)]
    [InlineData(12.0, 2.0, 1, 1, 2.0, HeartbeatAction.None, 8.0)]
    [InlineData(20.0, 10.0, 1, 1, 10.0, HeartbeatAction.Send, 10.0)]
    [InlineData(25.0, 15.0, 1, 1, 15.0, HeartbeatAction.Send, 5.0)]
    [InlineData(29.9, 9.9, 2, 2, 9.9, HeartbeatAction.None, 0.1)]
    [InlineData(30.0, 10.0, 2, 2, 10.0, HeartbeatAction.Close, null)]
    [InlineData(30.0, 0.0, 2, 2, 9.5, HeartbeatAction.None, 0.5)]
    [InlineData(0.0, 0.0, 9, 9, 10.0, HeartbeatAction.None, 10.0)]
    [InlineData(35.0, 0.0, 0, 0, 0.0, HeartbeatAction.Send, 10.0)]
    [InlineData(35.0, 1.0, 1, 1, 1.0, HeartbeatAction.None, 9.0)]
    [InlineData(35.0, 1.0, 1, 0, 1.0, HeartbeatAction.None, 9.0)]
    [InlineData(3600.0, 3600.0, 5, 0, 3600.0, HeartbeatAction.Send, 10.0)]
    public void It_decides_by_silence_and_by_the_pings_without_an_answer(
        double received, double sent, int beats, int outstanding, double sincePing, HeartbeatAction action, double? due)
    {
        var pulse = new ConnectionPulse
        {
            SinceReceived = TimeSpan.FromSeconds(received),
            SinceSent = TimeSpan.FromSeconds(sent),
            BeatsSent = beats,
            PingsOutstanding = outstanding,
            SincePing = TimeSpan.FromSeconds(sincePing),
        };

        var decision = new PingPongHeartbeat("ping", "pong").Decide(pulse, null);

        decision.Should().Be(new HeartbeatDecision { Action = action, Due = due is null ? Infinite : TimeSpan.FromSeconds(due.Value) });
    }

    [Theory]
    [Trait("Fault", "N03")]
    [InlineData(10, 30)]
    [InlineData(2, 4)]
    [InlineData(1, 10)]
    [InlineData(20, 21)]
    public void A_peer_that_falls_silent_is_asked_and_dead_after_the_timeout(int interval, int timeout)
    {
        var driver = new PolicyDriver(new PingPongHeartbeat("ping", "pong", TimeSpan.FromSeconds(interval), TimeSpan.FromSeconds(timeout)));

        driver.Run(200, second =>
        {
            if (second < 50.05)
            {
                driver.Receive();
                driver.SendData();
            }
        });

        driver.Ended.Should().BeApproximately(50 + timeout, 0.35);
        driver.LastAction.Should().Be(HeartbeatAction.Close);
        driver.Sent.Should().NotBeEmpty();
        driver.Sent[0].Should().BeApproximately(50 + interval, 0.15);
        driver.Sent.Zip(driver.Sent.Skip(1), (one, next) => next - one).Should().NotContain(gap => gap < interval - 0.01);
    }

    [Fact]
    public void A_peer_that_answers_lives_and_gets_one_ping_per_interval()
    {
        var driver = new PolicyDriver(new PingPongHeartbeat("ping", "pong"));
        var answered = 0;

        driver.Run(3600, _ =>
        {
            if (driver.Sent.Count > answered)
            {
                answered = driver.Sent.Count;
                driver.ReceivePong();
            }
        });

        driver.Ended.Should().BeNull();
        driver.Sent.Count.Should().BeInRange(340, 360);
    }

    [Fact]
    public void A_peer_that_never_answers_but_sends_lives_until_it_falls_silent()
    {
        var driver = new PolicyDriver(new PingPongHeartbeat("ping", "pong"));

        driver.Run(1000, second => { if (second < 500.05 && second % 15 < 0.05) { driver.Receive(); } });

        driver.Ended.Should().BeApproximately(495 + 30, 0.35);
    }

    [Fact]
    public void A_peer_that_is_busy_both_ways_is_not_pinged()
    {
        var driver = new PolicyDriver(new PingPongHeartbeat("ping", "pong"));

        driver.Run(600, _ => { driver.Receive(); driver.SendData(); });

        driver.Sent.Should().BeEmpty();
        driver.Ended.Should().BeNull();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void One_way_traffic_is_pinged(bool receives)
    {
        var driver = new PolicyDriver(new PingPongHeartbeat("ping", "pong"));
        var answered = 0;

        driver.Run(105, _ =>
        {
            if (receives)
            {
                driver.Receive();
            }
            else
            {
                driver.SendData();
                if (driver.Sent.Count > answered)
                {
                    answered++;
                    driver.ReceivePong();
                }
            }
        });

        driver.Sent.Count.Should().BeInRange(9, 10);
        driver.Ended.Should().BeNull();
    }

    [Fact]
    public void A_peer_that_could_not_be_asked_is_not_dead()
    {
        // Bytes are queued for it, so pings are skipped; whether it takes them is for the slow-consumer deadline to say.
        var driver = new PolicyDriver(new PingPongHeartbeat("ping", "pong")) { SkipsBeats = true };

        driver.Run(120);
        driver.Ended.Should().BeNull();
        driver.SkipsBeats = false;
        driver.Run(120);

        driver.Ended.Should().BeInRange(driver.Sent[0] + 20, driver.Sent[0] + 20.3);
    }

    [Fact]
    [Trait("Fault", "H01")]
    public void A_leap_of_an_hour_asks_first_and_closes_nobody()
    {
        var drivers = Enumerable.Range(0, 1000).Select(_ => new PolicyDriver(new PingPongHeartbeat("ping", "pong"))).ToList();
        drivers.ForEach(driver => driver.Run(5));

        var decisions = drivers.ConvertAll(driver => driver.Leap(TimeSpan.FromHours(1)));

        decisions.Should().AllBeEquivalentTo(HeartbeatDecision.Send(TimeSpan.FromSeconds(10)));
        drivers.Should().AllSatisfy(driver => driver.Sent.Should().HaveCount(1));
    }

    [Fact]
    public void AnswerOnly_never_asks_and_takes_silence_for_death()
    {
        var policy = PingPongHeartbeat.AnswerOnly("ping", "pong");
        var driver = new PolicyDriver(policy);

        driver.Run(200, second => { if (second < 50.05) { driver.Receive(); } });

        driver.Sent.Should().BeEmpty();
        driver.Ended.Should().BeApproximately(80, 0.15);
        policy.Written(HeartbeatKind.Pong, ping: "ping").Should().Be("pong");
    }

    [Fact]
    public void AnswerOnly_without_a_timeout_does_nothing_by_itself()
    {
        var driver = new PolicyDriver(PingPongHeartbeat.AnswerOnly("ping"u8, "pong"u8, Infinite));

        driver.Run(3600);

        driver.Ended.Should().BeNull();
        driver.Sent.Should().BeEmpty();
    }

    [Theory]
    [InlineData("ping", HeartbeatKind.Ping)]
    [InlineData("pong", HeartbeatKind.Pong)]
    [InlineData("PING", HeartbeatKind.None)]
    [InlineData("ping1", HeartbeatKind.None)]
    [InlineData("", HeartbeatKind.None)]
    public void Only_exactly_the_payloads_are_heartbeats(string message, HeartbeatKind expected)
    {
        new PingPongHeartbeat("ping", "pong").Classified(message).Should().Be(expected);
    }

    [Fact]
    public void It_writes_pings_and_pongs()
    {
        var policy = new PingPongHeartbeat("ping"u8, "pong"u8);

        policy.Written(HeartbeatKind.Ping).Should().Be("ping");
        policy.Written(HeartbeatKind.Pong, ping: "ping").Should().Be("pong");
        policy.Written(HeartbeatKind.None).Should().BeEmpty();
    }

    [Fact]
    public void A_small_class_numbers_the_pings_and_echoes_the_peers()
    {
        var policy = new EchoingPingPong();

        policy.Written(HeartbeatKind.Ping, new ConnectionPulse { BeatsSent = 6 }).Should().Be("PING 7");
        policy.Written(HeartbeatKind.Pong, ping: "PING 99").Should().Be("PONG 99");
        policy.Classified("PING 99").Should().Be(HeartbeatKind.Ping);
        policy.Classified("PONG 7").Should().Be(HeartbeatKind.Pong);
        policy.Classified("PUNG 7").Should().Be(HeartbeatKind.None);
    }

    [Fact]
    [Trait("Fault", "H05")]
    public void A_flood_of_pings_or_unsolicited_pongs_is_refused()
    {
        var driver = new PolicyDriver(new PingPongHeartbeat("ping", "pong"));

        driver.Run(60, _ =>
        {
            driver.ReceivePong();
            driver.SendData();
            driver.BeatsReceived += 1000;
        });

        driver.LastAction.Should().Be(HeartbeatAction.Refuse);
        driver.Ended.Should().BeLessThanOrEqualTo(15);
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        FluentActions.Invoking(() => new PingPongHeartbeat("x", "x")).Should().Throw<ArgumentException>().WithMessage("*must differ*");
        FluentActions.Invoking(() => new PingPongHeartbeat(null!, "x")).Should().Throw<ArgumentNullException>().WithParameterName("ping");
        FluentActions.Invoking(() => new PingPongHeartbeat("x", null!)).Should().Throw<ArgumentNullException>().WithParameterName("pong");
        FluentActions.Invoking(() => new PingPongHeartbeat("x", "y", TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5))).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new PingPongHeartbeat("x", "y", TimeSpan.Zero)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new PingPongHeartbeat("x", "y") { MaxBeatsPerSecond = -1 }).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Deciding_classifying_and_writing_allocate_nothing()
    {
        var policy = new PingPongHeartbeat("ping", "pong");
        var output = new ArrayBufferWriter<byte>(16);
        var ping = "ping"u8.ToArray();

        Allocations.Of(() =>
        {
            _ = policy.Decide(new ConnectionPulse { SinceOpened = TimeSpan.FromDays(1) }, null);
            _ = policy.Classify(ping, null);
            output.ResetWrittenCount();
            policy.Write(HeartbeatKind.Pong, default, ping, null, output);
        }).Should().Be(0);
    }

    private sealed class EchoingPingPong() : PingPongHeartbeat("PING ", "PONG ")
    {
        protected override bool IsPing(ReadOnlySpan<byte> message, object? state) => message.StartsWith(Ping.Span);

        protected override bool IsPong(ReadOnlySpan<byte> message, object? state) => message.StartsWith(Pong.Span);

        protected override void WritePing(in ConnectionPulse pulse, object? state, IBufferWriter<byte> output)
        {
            output.Write(Ping.Span);
            Utf8Formatter.TryFormat(pulse.BeatsSent + 1, output.GetSpan(20), out var length);
            output.Advance(length);
        }

        protected override void WritePong(in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
        {
            output.Write(Pong.Span);
            output.Write(ping[Ping.Length..]);
        }
    }
}
