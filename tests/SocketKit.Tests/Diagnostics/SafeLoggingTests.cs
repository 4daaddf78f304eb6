using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Diagnostics;

namespace SocketKit.Tests.Diagnostics;

public class SafeLoggingTests
{
    [Fact]
    public void A_logger_never_throws_whatever_its_factory_and_its_sinks_do()
    {
        var before = ObserverFailures.Loggers;
        using var factory = new Throwing();

        var logger = SafeLogging.CreateLogger(factory, "mine");
        logger.IsEnabled(LogLevel.Error).Should().BeFalse();
        logger.Log(LogLevel.Error, default, "text", null, (text, _) => text);

        ObserverFailures.Loggers.Should().Be(before + 2);
        SafeLogging.CreateLogger(null, "mine").Should().BeSameAs(NullLogger.Instance);
        FluentActions.Invoking(() => SafeLogging.CreateLogger(factory, null!)).Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void Text_of_a_peer_forges_no_line()
    {
        SafeLogging.Escape("a\nb\\").Should().Be(@"a\u000ab\\");
        SafeLogging.MessageOf(new InvalidOperationException("C:\\a\r\nINFO all is well")).Should().Be(@"C:\a\u000d\u000aINFO all is well");
        FluentActions.Invoking(() => SafeLogging.Escape(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => SafeLogging.MessageOf(null!)).Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void An_exception_that_cannot_be_read_is_told_by_its_type() =>
        SafeLogging.MessageOf(new Mute()).Should().Contain(nameof(Mute));

    private sealed class Mute : Exception
    {
        public override string Message => throw new InvalidOperationException("no");
    }

    private sealed class Throwing : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public bool IsEnabled(LogLevel logLevel) => throw new IOException("the disk is full");

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => throw new IOException("the disk is full");

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => throw new IOException("the disk is full");

        public void Dispose()
        {
        }
    }
}
