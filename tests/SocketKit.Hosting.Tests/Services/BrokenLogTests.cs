using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Tests.Services;

/// <summary>A sink that throws is not noticed by what logs.</summary>
[Trait("Fault", "X02")]
public class BrokenLogTests
{
    public static TheoryData<string> Lines => [.. Methods.Keys];

    private static Dictionary<string, MethodInfo> Methods { get; } = typeof(HostingLog).GetMethods(BindingFlags.Static | BindingFlags.Public)
        .Where(method => method.GetCustomAttribute<LoggerMessageAttribute>() is not null)
        .ToDictionary(method => method.Name);

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_logger_that_throws_is_noticed_at_no_line(string line)
    {
        foreach (var where in new[] { "factory", "question", "line" })
        {
            var logs = new BrokenLogs(where);
            var logger = HostingLog.Create(new ServiceCollection().AddSingleton<ILoggerFactory>(logs).BuildServiceProvider());
            Methods[line].Invoke(null, [.. Methods[line].GetParameters().Select(parameter => Argument(parameter.ParameterType, logger))]);
            logs.Lines.Should().Be(where == "line" ? 1 : 0);
        }
    }

    private static object Argument(Type type, ILogger logger) => type switch
    {
        _ when type == typeof(ILogger) => logger,
        _ when type == typeof(Exception) => new InvalidOperationException("what is logged"),
        _ when type == typeof(string) => "text",
        _ => Activator.CreateInstance(type)!,
    };

    private sealed class BrokenLogs(string where) : ILoggerFactory, ILogger
    {
        public int Lines { get; private set; }

        public ILogger CreateLogger(string categoryName) => where == "factory" ? throw new IOException("no logger") : this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => where == "question" ? throw new IOException("no answer") : true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Lines++;
            throw new IOException("the disk is full");
        }

        public void Dispose()
        {
        }
    }
}
