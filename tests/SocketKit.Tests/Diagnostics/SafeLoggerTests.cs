using System.Reflection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

[Trait("Fault", "X02")]
public class SafeLoggerTests
{
    private int _failures;

    /// <summary>Every line of the library, by its id.</summary>
    public static TheoryData<string> Lines => [.. Methods.Keys];

    private static Dictionary<string, MethodInfo> Methods { get; } = typeof(Log).GetMethods(BindingFlags.Static | BindingFlags.Public)
        .Where(method => method.GetCustomAttribute<LoggerMessageAttribute>() is not null)
        .ToDictionary(method => $"{method.GetCustomAttribute<LoggerMessageAttribute>()!.EventId} {method.Name}");

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_sink_that_throws_is_noticed_at_no_line(string line)
    {
        foreach (var fault in Enum.GetValues<LoggerFault>())
        {
            _failures = 0;
            var logs = new BrokenLogs(fault);
            var logger = Guarded(logs);
            var method = Methods[line];
            method.Invoke(null, [.. method.GetParameters().Select(parameter => Argument(parameter, logger))]);

            _failures.Should().Be(fault is LoggerFault.Factory or LoggerFault.IsEnabled or LoggerFault.Log ? 1 : 0, "at {0}", fault);
            logs.Ids.Keys.Should().BeEquivalentTo(fault is LoggerFault.Factory or LoggerFault.IsEnabled ? [] : new[] { method.GetCustomAttribute<LoggerMessageAttribute>()!.EventId }, "at {0}", fault);
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

    private static object Argument(ParameterInfo parameter, ILogger logger) => parameter.ParameterType switch
    {
        { } type when type == typeof(ILogger) => logger,
        { } type when type == typeof(Exception) => new InvalidOperationException("what is logged"),
        { } type when type == typeof(string) || type == typeof(object) => "text",
        { } type when type == typeof(LogLevel) => LogLevel.Warning,
        var type => Activator.CreateInstance(type)!,
    };

    private sealed class Nameless
    {
        public override string ToString() => throw new FormatException("no name");
    }
}
