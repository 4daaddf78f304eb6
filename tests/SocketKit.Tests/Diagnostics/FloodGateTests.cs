using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using SocketKit.Diagnostics;

namespace SocketKit.Tests.Diagnostics;

public class FloodGateTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly FakeLogCollector _logs = new();
    private readonly FloodGate _gate;

    public FloodGateTests() => _gate = new FloodGate(new FakeLogger(_logs), _time, "bad things");

    [Fact]
    public void Ten_in_ten_seconds_pass_and_the_rest_is_held_back_and_counted()
    {
        Pass(10).Should().OnlyContain(level => level == LogLevel.Information);
        _logs.Count.Should().Be(0);
        Pass(5).Should().OnlyContain(level => level == LogLevel.Debug);

        var began = _logs.GetSnapshot().Should().ContainSingle().Which;
        began.Id.Id.Should().Be(70);
        began.Level.Should().Be(LogLevel.Warning);
        began.Message.Should().Be("Many bad things: more of them are logged at Debug until no more than 10 come in 00:00:10");

        // 5 in the first window are few enough.
        _time.Advance(TimeSpan.FromSeconds(10));
        var ended = _logs.LatestRecord;
        ended.Id.Id.Should().Be(71);
        ended.Level.Should().Be(LogLevel.Warning);
        ended.Message.Should().Be("5 bad things were logged at Debug only, in 00:00:10; from now on they are logged as usual");
        Pass(1).Should().Equal(LogLevel.Information);
    }

    [Fact]
    public void A_flood_of_an_hour_is_two_lines()
    {
        for (var second = 0; second < 3600; second++)
        {
            Pass(2);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        _logs.GetSnapshot().Should().ContainSingle().Which.Id.Id.Should().Be(70);
        _time.Advance(TimeSpan.FromSeconds(30));
        _logs.GetSnapshot().Should().HaveCount(2);
        _logs.LatestRecord.GetStructuredStateValue("Count").Should().Be($"{7200 - 10}");
    }

    [Fact]
    public void One_a_second_is_no_flood_and_a_flood_that_slows_down_to_that_is_over()
    {
        for (var second = 0; second < 100; second++)
        {
            Pass(1).Should().Equal(LogLevel.Information);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Pass(50);
        for (var second = 0; second < 25; second++)
        {
            Pass(1);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Pass(1).Should().Equal(LogLevel.Information);
        _logs.GetSnapshot().Select(line => line.Id.Id).Should().Equal(70, 71);
    }

    [Fact]
    public async Task Many_threads_at_once_get_ten_lines_and_one_beginning()
    {
        var passed = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var count = 0; count < 1000; count++)
            {
                if (_gate.LevelOf(LogLevel.Warning) == LogLevel.Warning)
                {
                    Interlocked.Increment(ref passed);
                }
            }
        })));

        passed.Should().Be(10);
        _logs.GetSnapshot().Should().ContainSingle();
        _time.Advance(TimeSpan.FromSeconds(20));
        _logs.LatestRecord.GetStructuredStateValue("Count").Should().Be("7990");
    }

    [Fact]
    public void A_logger_that_does_not_want_the_level_gets_no_lines_about_floods_either()
    {
        var logger = new FakeLogger(_logs);
        logger.ControlLevel(LogLevel.Information, enabled: false);
        var gate = new FloodGate(logger, _time, "bad things");

        Enumerable.Range(0, 100).Select(_ => gate.LevelOf(LogLevel.Information)).Should().OnlyContain(level => level == LogLevel.Information);
        _logs.Count.Should().Be(0);
    }

    private LogLevel[] Pass(int count) => [.. Enumerable.Range(0, count).Select(_ => _gate.LevelOf(LogLevel.Information))];
}
