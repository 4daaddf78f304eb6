using System.Globalization;
using System.Text;

namespace SocketKit.Hosting.Settings;

/// <summary>
/// Bytes as configuration gives them: text in the encoding of the connection, in which <c>\r</c>, <c>\n</c>, <c>\t</c>, <c>\0</c> and
/// <c>\\</c> stand for single characters and <c>\x1F</c> for a byte, so that an environment variable can say them.
/// </summary>
internal static class SettingBytes
{
    /// <returns>What is wrong with the text, or null.</returns>
    public static string? TryParse(string text, out byte[] bytes) => TryParse(text, Encoding.UTF8, out bytes);

    private static string? TryParse(string text, Encoding encoding, out byte[] bytes)
    {
        bytes = [];
        var parsed = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                var length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                parsed.AddRange(encoding.GetBytes(text.Substring(i, length)));
                i += length - 1;
                continue;
            }

            switch (++i < text.Length ? text[i] : ' ')
            {
                case 'r':
                    parsed.AddRange(encoding.GetBytes("\r"));
                    break;
                case 'n':
                    parsed.AddRange(encoding.GetBytes("\n"));
                    break;
                case 't':
                    parsed.AddRange(encoding.GetBytes("\t"));
                    break;
                case '0':
                    parsed.AddRange(encoding.GetBytes("\0"));
                    break;
                case '\\':
                    parsed.AddRange(encoding.GetBytes("\\"));
                    break;
                case 'x' when i + 2 < text.Length && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value):
                    parsed.Add(value);
                    i += 2;
                    break;
                default:
                    return @"a backslash is followed by r, n, t, 0, x and two hexadecimal digits, or another backslash";
            }
        }

        bytes = [.. parsed];
        return null;
    }

    /// <summary>It says no byte by its number: all of it is text.</summary>
    public static bool IsText(string text) => !text.Replace(@"\\", "", StringComparison.Ordinal).Contains(@"\x", StringComparison.Ordinal);

    /// <summary>Text that has passed the validation, as characters.</summary>
    public static string ParseText(string text) => Encoding.UTF8.GetString(TryParse(text, out var bytes) is { } problem ? throw new FormatException(problem) : bytes);

    /// <summary>Bytes that have passed the validation.</summary>
    /// <exception cref="ArgumentException">The encoding cannot express the text.</exception>
    public static byte[] Parse(string text, Encoding encoding)
    {
        if (TryParse(text, encoding, out var bytes) is { } problem)
        {
            throw new FormatException(problem);
        }

        // What an encoding cannot express it replaces, by a question mark as a rule.
        return !IsText(text) || encoding.GetString(bytes) == ParseText(text)
            ? bytes
            : throw new ArgumentException($"\"{text}\" cannot be expressed in {encoding.WebName}, the TextEncoding; type another text, or bytes such as \\x7E");
    }
}
