using System.Net;
using System.Reflection;
using Microsoft.Extensions.Logging;

namespace SocketKit.Tests.TestDoubles;

/// <summary>The lines of a class of log messages, and a way to write each of them.</summary>
internal sealed class LogLines(Type messages)
{
    private readonly Dictionary<string, MethodInfo> _methods = messages.GetMethods(BindingFlags.Static | BindingFlags.Public)
        .Where(method => method.GetCustomAttribute<LoggerMessageAttribute>() is not null)
        .ToDictionary(method => $"{method.GetCustomAttribute<LoggerMessageAttribute>()!.EventId} {method.Name}");

    /// <summary>Each line's id and name.</summary>
    public TheoryData<string> Names => [.. _methods.Keys];

    public int IdOf(string line) => _methods[line].GetCustomAttribute<LoggerMessageAttribute>()!.EventId;

    /// <summary>Writes a line with arguments of the right types.</summary>
    public void Write(string line, ILogger logger) =>
        _methods[line].Invoke(null, [.. _methods[line].GetParameters().Select(parameter => Argument(parameter.ParameterType, logger))]);

    private static object Argument(Type type, ILogger logger) => type switch
    {
        _ when type == typeof(ILogger) => logger,
        _ when type == typeof(Exception) => new InvalidOperationException("what is logged"),
        _ when type == typeof(string) || type == typeof(object) => "text",
        _ when type == typeof(LogLevel) => LogLevel.Warning,
        _ when type == typeof(EndPoint) => new IPEndPoint(0, 0),
        _ => Activator.CreateInstance(type)!,
    };
}
