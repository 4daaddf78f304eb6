using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Samples;

/// <summary>What the samples share: one line per event, in colour on a terminal, plain text in a file or pipe.</summary>
internal static class Print
{
    private const int LongestShown = 200;

    /// <summary>Prints a line of Spectre.Console markup. Filled-in text is never taken for markup, and shown harmlessly: a peer's control characters could move the cursor or fake a line.</summary>
    public static void Line(FormattableString line)
    {
        object?[] arguments = line.GetArguments();
        object[] shown = Array.ConvertAll(arguments, argument => (object)Markup.Escape(Harmless(Convert.ToString(argument, CultureInfo.InvariantCulture) ?? "")));
        string markup = string.Format(CultureInfo.InvariantCulture, $"[grey]{DateTime.Now:HH:mm:ss.fff}[/] {line.Format}", shown);
        if (Console.IsOutputRedirected)
        {
            // Spectre.Console would break lines at 80 characters here.
            Console.WriteLine(Markup.Remove(markup));
        }
        else
        {
            AnsiConsole.MarkupLine(markup);
        }
    }

    private static string Harmless(string text)
    {
        var safe = new StringBuilder();
        foreach (char character in text.AsSpan(0, Math.Min(text.Length, LongestShown)))
        {
            bool harmful = char.GetUnicodeCategory(character)
                is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
            safe.Append(harmful ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)character:X4}") : character.ToString());
        }

        return text.Length > LongestShown ? safe.Append(CultureInfo.InvariantCulture, $"... ({text.Length} characters)").ToString() : safe.ToString();
    }
}
