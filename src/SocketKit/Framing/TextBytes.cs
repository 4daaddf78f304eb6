using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace SocketKit.Framing;

/// <summary>Texts as the bytes that a framer looks for.</summary>
internal static class TextBytes
{
    // What a table costs is a walk over 65,000 characters; encodings are few, clients may be many.
    private static readonly ConditionalWeakTable<Encoding, char?[]> Tables = [];

    /// <summary>A text in an encoding.</summary>
    /// <exception cref="ArgumentException">The encoding cannot express it: its bytes would stand for another text.</exception>
    internal static byte[] Encode(Encoding encoding, string text) => TryEncode(encoding, text, out var bytes)
        ? bytes
        : throw new ArgumentException($"\"{text}\" cannot be expressed in {encoding.WebName}; type another text, or give its bytes");

    internal static bool TryEncode(Encoding encoding, string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        try
        {
            var encoded = encoding.GetBytes(text);
            if (encoding.GetString(encoded) == text)
            {
                bytes = encoded;
            }
        }
        catch (Exception exception) when (exception is EncoderFallbackException or DecoderFallbackException)
        {
            // It cannot be expressed.
        }

        return bytes is not null;
    }

    /// <summary>
    /// A character inside of which this byte occurs, behind the character's first byte: there a search for bytes finds what is not there.
    /// Null: none, so whoever finds the byte has found the beginning of a character. In UTF-8 the first byte of a text is never inside of a
    /// character.
    /// </summary>
    internal static char? CharacterAround(Encoding encoding, byte value) =>
        encoding is UTF8Encoding || encoding.IsSingleByte ? null : Tables.GetValue(encoding, Fill)[value];

    private static char?[] Fill(Encoding encoding)
    {
        var table = new char?[256];
        Span<byte> bytes = stackalloc byte[64];
        for (var c = char.MinValue; c < char.MaxValue; c++)
        {
            if (char.IsSurrogate(c))
            {
                continue;
            }

            try
            {
                foreach (var inner in bytes[..encoding.GetBytes([c], bytes)][1..])
                {
                    table[inner] ??= c;
                }
            }
            catch (Exception exception) when (exception is ArgumentException)
            {
                // It cannot be expressed, so it is in no message.
            }
        }

        return table;
    }
}
