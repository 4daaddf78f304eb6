using System.Globalization;
using System.Text;

namespace SocketKit.Diagnostics;

/// <summary>Makes text that may come from a peer fit for a log line: control characters, line separators and directional marks become
/// escapes, a backslash is doubled, so that an escape is never the peer's own, and long text is cut.</summary>
internal static class LogText
{
    private const int Longest = 200;

    public static string Escape(string text) => Escape(text, IsUnfitOrBackslash);

    /// <summary>Of a text that is made of such parts, the rest: their backslashes stay as they are.</summary>
    public static string EscapeRest(string text) => Escape(text, IsUnfit);

    private static string Escape(string text, Func<char, bool> isUnfit)
    {
        var end = Math.Min(text.Length, Longest);
        var first = 0;
        while (first < end && !isUnfit(text[first]))
        {
            first++;
        }

        if (first == text.Length)
        {
            return text;
        }

        var escaped = new StringBuilder(text, 0, first, end + 16);
        foreach (var c in text.AsSpan(first, end - first))
        {
            if (c == '\\' && isUnfit(c))
            {
                escaped.Append(@"\\");
            }
            else if (isUnfit(c))
            {
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }
            else
            {
                escaped.Append(c);
            }
        }

        return text.Length > Longest ? escaped.Append(CultureInfo.InvariantCulture, $"... ({text.Length} characters)").ToString() : escaped.ToString();
    }

    /// <summary>An exception's message, escaped. Never throws.</summary>
    public static string MessageOf(Exception exception) => Escape(ExceptionText.MessageOf(exception));

    /// <summary>What somebody else's object calls itself, escaped.</summary>
    public static string NameOf(object? something)
    {
        try
        {
            return Escape(something?.ToString() ?? "");
        }
#pragma warning disable CA1031 // A name is for people; nothing depends on it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return $"(its name cannot be read: {exception.GetType().Name})";
        }
    }

    /// <summary>It can stand in a log line as it is; length does not matter, and neither do backslashes, which are in every path of Windows.</summary>
    public static bool IsFit(string text)
    {
        foreach (var c in text)
        {
            if (IsUnfit(c))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsUnfitOrBackslash(char c) => c == '\\' || IsUnfit(c);

    private static bool IsUnfit(char c) =>
        char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate;
}
