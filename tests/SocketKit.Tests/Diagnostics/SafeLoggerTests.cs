using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

[Trait("Fault", "X02")]
public class SafeLoggerTests
{
    private static readonly LogLines All = new(typeof(Log));

    private int _failures;

    /// <summary>Every line of the library.</summary>
    public static TheoryData<string> Lines => All.Names;

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_sink_that_throws_is_noticed_at_no_line(string line)
    {
        foreach (var fault in Enum.GetValues<LoggerFault>())
        {
            _failures = 0;
            var logs = new BrokenLogs(fault);
            var logger = Guarded(logs);
            All.Write(line, logger);

            _failures.Should().Be(fault is LoggerFault.Factory or LoggerFault.IsEnabled or LoggerFault.Log ? 1 : 0, "at {0}", fault);
            int[] expected = fault is LoggerFault.Factory or LoggerFault.IsEnabled ? [] : [All.IdOf(line)];
            logs.Ids.Keys.Should().BeEquivalentTo(expected, "at {0}", fault);
        }
    }

    [Fact]
    [Trait("Fault", "X59")]
    public void An_exception_that_quotes_a_peer_reaches_no_sink_as_it_is()
    {
        var logs = new Microsoft.Extensions.Logging.Testing.FakeLogCollector();
        using var factory = LoggerFactory.Create(builder => builder.AddProvider(new Microsoft.Extensions.Logging.Testing.FakeLoggerProvider(logs)));
        var logger = SafeLogger.Create(factory, "Tests", () => _failures++);

        Log.SubscriberFailed(logger, new FormatException("bad\nWarning: all is well"));
        Log.SubscriberFailed(logger, new FormatException("bad"));

        logs.GetSnapshot().Select(record => record.Exception!.GetType()).Should().Equal(typeof(LoggedException), typeof(FormatException));
    }

    [Fact]
    public void What_cannot_tell_its_name_is_noticed_at_no_line()
    {
        var logs = new BrokenLogs(LoggerFault.Nowhere);

        Log.Opened(Guarded(logs), 1, new Nameless());

        logs.Ids.Keys.Should().Equal(20);
        _failures.Should().Be(1);
    }

    [Fact]
    public void A_scope_that_throws_at_its_beginning_or_end_is_not_noticed()
    {
        Guarded(new BrokenLogs(LoggerFault.BeginScope)).BeginScope("a").Should().BeNull();
        _failures.Should().Be(1);

        Guarded(new BrokenLogs(LoggerFault.ScopeEnd)).BeginScope("a")!.Dispose();
        _failures.Should().Be(2);
    }

    [Fact]
    public void Without_a_logger_there_is_nothing_to_guard()
    {
        SafeLogger.Create(null, "a", Fail).Should().BeSameAs(NullLogger.Instance);
        SafeLogger.Create(NullLoggerFactory.Instance, "a", Fail).Should().BeSameAs(NullLogger.Instance);
        SafeLogger.Create(new BrokenLogs(LoggerFault.Factory), "a", Fail).Should().BeSameAs(NullLogger.Instance);
        _failures.Should().Be(1);
    }

    private ILogger Guarded(BrokenLogs logs) => SafeLogger.Create(logs, "SocketKit.Test", Fail);

    private void Fail() => _failures++;

    private sealed class Nameless
    {
        public override string ToString() => throw new FormatException("no name");
    }
}
