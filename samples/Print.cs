using System.Globalization;
using System.Text;
using Spectre.Console;

namespace Samples;

/// <summary>What the samples share: one line per event, in colour on a terminal, plain text in a file or pipe.</summary>
internal static class Print
{
    /// <summary>
    /// Prints a line of Spectre.Console markup. What is filled in is never taken for markup, and shown harmlessly: a peer's control
    /// characters could move the cursor or fake a line.
    /// </summary>
    public static void Line(FormattableString line)
    {
        string markup = string.Create(CultureInfo.InvariantCulture, $"[grey]{DateTime.Now:HH:mm:ss.fff}[/] ") + line.ToString(Filling.Instance);
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

    private sealed class Filling : IFormatProvider, ICustomFormatter
    {
        public static readonly Filling Instance = new();

        private const int Longest = 200;

        public object? GetFormat(Type? formatType) => formatType == typeof(ICustomFormatter) ? this : null;

        public string Format(string? format, object? arg, IFormatProvider? formatProvider)
        {
            string text = (arg is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : arg?.ToString()) ?? "";
            var safe = new StringBuilder();
            foreach (char character in text.AsSpan(0, Math.Min(text.Length, Longest)))
            {
                bool harmful = char.GetUnicodeCategory(character)
                    is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
                safe.Append(harmful ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)character:X4}") : character.ToString());
            }

            if (text.Length > Longest)
            {
                safe.Append(CultureInfo.InvariantCulture, $"... ({text.Length} characters)");
            }

            return Markup.Escape(safe.ToString());
        }
    }
}
