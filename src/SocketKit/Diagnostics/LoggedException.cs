using System.Collections.ObjectModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;

namespace SocketKit.Diagnostics;

/// <summary>
/// An exception as loggers get it when its text holds what could forge a line, or is very long: an application's exception may quote what a
/// peer has sent, in its message or in another of its texts. This one's text is made of types, messages, escaped and cut, and stacks; the
/// original is not inside, so that no sink prints it.
/// </summary>
internal sealed class LoggedException : Exception
{
    private const int Longest = 32 * 1024;
    private const int LongestStack = 8 * 1024;
    private const int Deepest = 10;
    private const int MostFrames = 200;

    /// <summary>So many exceptions are looked at: some may be inside of several others.</summary>
    private const int MostLookedAt = 100;

    // What the runtime writes between a message and the stacks. All of a line, but for the first: a peer's text may begin with any of them.
    private const string FrameMark = "   at ";
    private const string InnerMark = " ---> ";
    private const string EndOfInner = "   --- End of inner exception stack trace ---";
    private const string EndOfPart = "--- End of stack trace from previous location ---";

    private readonly string _text;

    private LoggedException(string message, string text)
        : base(message) => _text = text;

    /// <summary>The exception itself, if nothing in it needs to be escaped or cut.</summary>
    public static Exception? Of(Exception? exception)
    {
        var left = MostLookedAt;
        if (exception is null || IsFit(exception, ref left))
        {
            return exception;
        }

        var text = new StringBuilder();
        try
        {
            Describe(exception, text, depth: 0, areTooMany: left <= 0);
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

        return new LoggedException($"{exception.GetType().Name}: {MessageOf(exception, areTooMany: left <= 0)}", text.ToString());
    }

    public override string ToString() => _text;

    private static bool IsFit(Exception exception, ref int left)
    {
        try
        {
            return AreFit(exception, 0, ref left);
        }
#pragma warning disable CA1031 // One of somebody else's making, which cannot tell its own text.
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }

    private static bool AreFit(Exception exception, int depth, ref int left)
    {
        if (depth > Deepest || left-- <= 0)
        {
            return false;
        }

        // Those inside first: the message of an AggregateException is made of all of theirs.
        foreach (var inner in InnerOf(exception))
        {
            if (!AreFit(inner, depth + 1, ref left))
            {
                return false;
            }
        }

        return LogText.IsFit(ExceptionText.MessageOf(exception))
            && exception is not AggregateException { InnerExceptions.Count: > Deepest }
            && new StackTrace(exception, fNeedFileInfo: false).FrameCount <= MostFrames
            && (IsPlain(exception) || (IsStackFit(exception.StackTrace) && IsTextFit(exception)));
    }

    private static ReadOnlyCollection<Exception> InnerOf(Exception exception) => exception is AggregateException aggregate
        ? aggregate.InnerExceptions
        : exception.InnerException is { } one ? new([one]) : ReadOnlyCollection<Exception>.Empty;

    private static string MessageOf(Exception exception, bool areTooMany) =>
        areTooMany && exception is AggregateException aggregate ? $"{aggregate.InnerExceptions.Count} exceptions" : LogText.MessageOfLogged(exception);

    /// <summary>
    /// It tells nothing but its message and a stack that the runtime has made, as is known of its kind. To ask the others for their text
    /// is dear: it names the lines of code.
    /// </summary>
    private static bool IsPlain(Exception exception) => exception is not (FileNotFoundException or FileLoadException or BadImageFormatException)
        && exception.GetType().Namespace is { } home
        && (home is "System" or "SocketKit" || home.StartsWith("System.", StringComparison.Ordinal))
        && !MayHaveRemoteStack(exception);

    /// <summary>
    /// Somebody may have given it a stack as text (ExceptionDispatchInfo.SetRemoteStackTrace): that of a remote call, say. Nothing public
    /// tells this apart at a price below that of the text.
    /// </summary>
    private static bool MayHaveRemoteStack(Exception exception)
    {
        try
        {
            return RemoteStack(exception) is not null;
        }
        catch (MissingFieldException)
        {
            // Another runtime keeps it elsewhere.
            return true;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_remoteStackTraceString")]
    private static extern ref string? RemoteStack(Exception exception);

    private static bool IsStackFit(string? stack)
    {
        if (stack is null)
        {
            return true;
        }

        if (stack.Length > Longest)
        {
            return false;
        }

        foreach (var line in stack.AsSpan().EnumerateLines())
        {
            if (!LogText.IsFit(line) || !(line.IsWhiteSpace() || IsOfStack(line)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Its text is that of any exception, made of parts that have been looked at. One that tells more of itself (the name of a file, say)
    /// may tell what a peer has sent, in lines that look like the runtime's.
    /// </summary>
    private static bool IsTextFit(Exception exception)
    {
        var text = new StringBuilder().Append(exception.GetType());
        if (!string.IsNullOrEmpty(exception.Message))
        {
            text.Append(": ").Append(exception.Message);
        }

        if (exception.InnerException is { } inner)
        {
            text.AppendLine().Append(InnerMark).Append(inner).AppendLine().Append(EndOfInner);
        }

        if (exception.StackTrace is { } stack)
        {
            text.AppendLine().Append(stack);
        }

        return text.Length <= Longest && text.Equals(exception.ToString().AsSpan());
    }

    private static bool IsOfStack(ReadOnlySpan<char> line) => line.StartsWith(FrameMark, StringComparison.Ordinal) || line is EndOfPart;

    private static void Describe(Exception exception, StringBuilder text, int depth, bool areTooMany)
    {
        text.Append(exception.GetType()).Append(": ").AppendLine(MessageOf(exception, areTooMany));
        if (depth < Deepest && text.Length < Longest)
        {
            foreach (var inner in InnerOf(exception).Take(Deepest))
            {
                text.Append(InnerMark);
                Describe(inner, text, depth + 1, areTooMany);
            }
        }

        DescribeStack(exception.StackTrace, text);
    }

    /// <summary>Line by line: each shows as one of a stack, whoever has written it.</summary>
    private static void DescribeStack(string? stack, StringBuilder text)
    {
        var end = Math.Min(stack?.Length ?? 0, LongestStack);
        foreach (var line in stack.AsSpan(0, end).EnumerateLines())
        {
            if (!line.IsWhiteSpace())
            {
                var shown = LogText.IsFit(line) ? line.ToString() : LogText.EscapeRest(line.ToString());
                text.Append(IsOfStack(line) ? "" : FrameMark).AppendLine(shown);
            }
        }

        if (end < stack?.Length)
        {
            text.AppendLine("...");
        }
    }
}
