using System.Globalization;
using System.Text;

namespace SocketKit.Hosting.Settings;

/// <summary>Bytes as configuration gives them: text in UTF-8, in which <c>\r</c>, <c>\n</c>, <c>\t</c>, <c>\0</c>, <c>\\</c> and <c>\x1F</c> stand for single bytes, so that an environment variable can say them.</summary>
internal static class SettingBytes
{
    /// <returns>What is wrong with the text, or null.</returns>
    public static string? TryParse(string text, out byte[] bytes)
    {
        bytes = [];
        var parsed = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                var length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                parsed.AddRange(Encoding.UTF8.GetBytes(text.Substring(i, length)));
                i += length - 1;
                continue;
            }

            switch (++i < text.Length ? text[i] : ' ')
            {
                case 'r':
                    parsed.Add((byte)'\r');
                    break;
                case 'n':
                    parsed.Add((byte)'\n');
                    break;
                case 't':
                    parsed.Add((byte)'\t');
                    break;
                case '0':
                    parsed.Add(0);
                    break;
                case '\\':
                    parsed.Add((byte)'\\');
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

    /// <summary>Bytes that have passed the validation.</summary>
    public static byte[] Parse(string text) => TryParse(text, out var bytes) is { } problem ? throw new FormatException(problem) : bytes;
}
