using System.Diagnostics;
using System.Text;

namespace SocketKit.Diagnostics;

/// <summary>
/// An exception as loggers get it when its text holds what could forge a line, or is very long: an application's exception may quote what a peer has sent, in its message or in another of its texts. This one's text is made of types,
/// messages, escaped and cut, and stacks; the original is not inside, so that no sink prints it.
/// </summary>
internal sealed class LoggedException : Exception
{
    private const int Longest = 32 * 1024;
    private const int LongestStack = 8 * 1024;
    private const int Deepest = 10;
    private const int MostFrames = 200;

    /// <summary>How lines begin that a runtime's exception adds to its message.</summary>
    private static readonly string[] OwnLines = ["   at ", "---", " ---> ", "   --- End of "];

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

        if (text.Length > Longest)
        {
            text.Length = Longest;
            text.AppendLine("...");
        }

        return new LoggedException($"{exception.GetType().Name}: {LogText.MessageOfLogged(exception)}", text.ToString());
    }

    public override string ToString() => _text;

    private static bool IsFit(Exception exception)
    {
        try
        {
            return AreFit(exception, 0);
        }
#pragma warning disable CA1031 // One of somebody else's making, which cannot tell its own text.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }

    private static bool AreFit(Exception exception, int depth) => depth <= Deepest && LogText.IsFit(ExceptionText.MessageOf(exception))
        && new StackTrace(exception, fNeedFileInfo: false).FrameCount <= MostFrames
        && (IsPlain(exception) || IsTextFit(exception.ToString()))
        && (exception is AggregateException aggregate
            ? aggregate.InnerExceptions.Count <= Deepest && aggregate.InnerExceptions.All(inner => AreFit(inner, depth + 1))
            : exception.InnerException is null || AreFit(exception.InnerException, depth + 1));

    /// <summary>It tells nothing but message and stack, as is known of its kind. To ask the text itself of the others is dear: it names the lines of code.</summary>
    private static bool IsPlain(Exception exception) => exception is not (FileNotFoundException or FileLoadException or BadImageFormatException)
        && exception.GetType().Namespace is { } home
        && (home is "System" or "SocketKit" || home.StartsWith("System.", StringComparison.Ordinal));

    /// <summary>Behind the first line stand only those of a runtime's: an exception that tells more of itself (the name of a file, say) may tell what a peer has sent.</summary>
    private static bool IsTextFit(string text)
    {
        if (text.Length > Longest)
        {
            return false;
        }

        var isFirst = true;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (!LogText.IsFit(line) || !(isFirst || line.IsWhiteSpace() || BeginsAsOwn(line)))
            {
                return false;
            }

            isFirst = false;
        }

        return true;
    }

    private static bool BeginsAsOwn(ReadOnlySpan<char> line)
    {
        foreach (var own in OwnLines)
        {
            if (line.StartsWith(own, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private static void Describe(Exception exception, StringBuilder text, int depth)
    {
        text.Append(exception.GetType()).Append(": ").AppendLine(LogText.MessageOfLogged(exception));
        if (depth < Deepest && text.Length < Longest)
        {
            foreach (var inner in exception is AggregateException aggregate ? aggregate.InnerExceptions.Take(Deepest) : exception.InnerException is { } one ? [one] : Enumerable.Empty<Exception>())
            {
                text.Append(" ---> ");
                Describe(inner, text, depth + 1);
            }
        }

        var stack = exception.StackTrace ?? "";
        text.Append(stack, 0, Math.Min(stack.Length, LongestStack)).AppendLine(stack.Length > LongestStack ? "..." : "");
    }
}
