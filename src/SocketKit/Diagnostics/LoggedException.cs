using System.Text;

namespace SocketKit.Diagnostics;

/// <summary>
/// An exception as loggers get it when a message in it holds what could forge a line, or is longer than 1,000 characters: an application's exception may quote what a peer has sent. Its text is that of the original with each message escaped and cut; the
/// original is not inside, so that no sink prints it.
/// </summary>
internal sealed class LoggedException : Exception
{
    private readonly string _text;

    private LoggedException(string message, string text)
        : base(message) => _text = text;

    /// <summary>The exception itself, if nothing in it needs to be escaped or cut.</summary>
    public static Exception? Of(Exception? exception)
    {
        if (exception is null || IsFit(exception))
        {
            return exception;
        }

        var text = new StringBuilder();
        try
        {
            Describe(exception, text, depth: 0);
        }
#pragma warning disable CA1031 // One of somebody else's making: what it has told so far is better than no line.
        catch (Exception another)
#pragma warning restore CA1031
        {
            text.AppendLine(another.GetType().Name);
        }

        return new LoggedException($"{exception.GetType().Name}: {LogText.MessageOfLogged(exception)}", text.ToString());
    }

    public override string ToString() => _text;

    private static bool IsFit(Exception exception)
    {
        if (!LogText.IsFit(ExceptionText.MessageOf(exception)))
        {
            return false;
        }

        return exception is AggregateException aggregate ? aggregate.InnerExceptions.All(IsFit) : exception.InnerException is null || IsFit(exception.InnerException);
    }

    private static void Describe(Exception exception, StringBuilder text, int depth)
    {
        const int Deepest = 10;
        text.Append(exception.GetType()).Append(": ").AppendLine(LogText.MessageOfLogged(exception));
        if (depth < Deepest)
        {
            foreach (var inner in exception is AggregateException aggregate ? aggregate.InnerExceptions : exception.InnerException is { } one ? [one] : Enumerable.Empty<Exception>())
            {
                text.Append(" ---> ");
                Describe(inner, text, depth + 1);
            }
        }

        text.AppendLine(exception.StackTrace);
    }
}
