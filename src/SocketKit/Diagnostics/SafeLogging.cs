using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit;

/// <summary>
/// Logging that peers and sinks cannot harm: for handlers, decorators and whatever else logs text that a peer may have chosen.
/// The library logs by it. Thread-safe; no member throws for what it is given, but for null.
/// </summary>
public static class SafeLogging
{
    /// <summary>
    /// Makes a logger that never throws, whatever its sinks do, and that logs an exception whose text could forge a line as a copy
    /// whose text cannot. Failures of sinks are counted by <c>socketkit.observer_failures</c>.
    /// </summary>
    /// <param name="factory">Where logs go. Null: nowhere.</param>
    /// <param name="category">The logger's category.</param>
    /// <exception cref="ArgumentNullException"><paramref name="category"/> is null.</exception>
    public static ILogger CreateLogger(ILoggerFactory? factory, string category)
    {
        ArgumentNullException.ThrowIfNull(category);
        return ObserverFailures.CreateLogger(factory, category);
    }

    /// <summary>
    /// Makes text fit for a log line: control characters, line separators and directional marks become escapes such as <c>\u000a</c>, a
    /// backslash is doubled, and what is longer than 200 characters is cut.
    /// </summary>
    /// <param name="text">Text that a peer may have chosen: a name, an address, a part of a message.</param>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public static string Escape(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return LogText.Escape(text);
    }

    /// <summary>
    /// The message of an exception, made fit for a log line in the same way, up to 500 characters; backslashes stay as they are. Also for
    /// an exception that throws when it is asked.
    /// </summary>
    /// <param name="exception">Any exception.</param>
    /// <exception cref="ArgumentNullException"><paramref name="exception"/> is null.</exception>
    public static string MessageOf(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return LogText.EscapeRest(ExceptionText.MessageOf(exception));
    }
}
