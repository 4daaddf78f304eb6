using System.Buffers;
using System.Globalization;
using System.Text;

namespace SocketKit;

/// <summary>Makes text that may come from a peer fit for a log line: control characters, line separators and directional marks become
/// escapes, a backslash is doubled, so that an escape is never the peer's own, and long text is cut.</summary>
internal static class LogText
{
    private const int Longest = 200;
    private const int LongestOfParts = 500;
    private const int LongestOfExceptions = 1000;

    public static string Escape(string text) => Escape(text, Longest, backslashes: true);

    /// <summary>Of a text that is made of such parts, the rest: their backslashes stay as they are.</summary>
    public static string EscapeRest(string text) => Escape(text, LongestOfParts, backslashes: false);

    private static string Escape(string text, int longest, bool backslashes)
    {
        var end = Math.Min(text.Length, longest);
        var first = FitLength(text.AsSpan(0, end), backslashes);
        if (first == text.Length)
        {
            return text;
        }

        var escaped = new StringBuilder(end + 16);
        for (var at = 0; ;)
        {
            escaped.Append(text, at, first);
            at += first;
            if (at == end)
            {
                break;
            }

            escaped.Append(text[at] == '\\' ? @"\\" : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)text[at]:x4}"));
            at++;
            first = FitLength(text.AsSpan(at, end - at), backslashes);
        }

        return text.Length > longest ? escaped.Append(CultureInfo.InvariantCulture, $"... ({text.Length} characters)").ToString() : escaped.ToString();
    }

    /// <summary>An exception's message, escaped. Never throws.</summary>
    public static string MessageOf(Exception exception) => Escape(ExceptionText.MessageOf(exception));

    /// <summary>The same for an exception that is logged whole, whose text may be longer.</summary>
    public static string MessageOfLogged(Exception exception) => Escape(ExceptionText.MessageOf(exception), LongestOfExceptions, backslashes: true);

    /// <summary>What somebody else's object calls itself, escaped.</summary>
    public static string NameOf(object? something)
    {
        try
        {
            // The end of a Unix socket has escaped its peer's name already.
            return Escape(something?.ToString() ?? "", Longest, backslashes: something is not UnixEndPoint);
        }
#pragma warning disable CA1031 // A name is for people; nothing depends on it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return $"(its name cannot be read: {exception.GetType().Name})";
        }
    }

    /// <summary>
    /// The text of an exception can stand in a log as it is; backslashes do not matter, which are in every path of Windows.
    /// </summary>
    public static bool IsFit(string text) => text.Length <= LongestOfExceptions && IsFit(text.AsSpan());

    /// <summary>The same for a line of such a text, of whatever length.</summary>
    public static bool IsFit(ReadOnlySpan<char> line) => FitLength(line, backslashes: false) == line.Length;

    /// <summary>How many characters in front can stand in a log line as they are.</summary>
    private static int FitLength(ReadOnlySpan<char> text, bool backslashes)
    {
        var at = 0;
        while (Rune.DecodeFromUtf16(text[at..], out var rune, out var length) == OperationStatus.Done
            && !(backslashes && rune.Value == '\\')
            && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator))
        {
            at += length;
        }

        return at;
    }
}
