using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace SocketKit.Replies;

/// <summary>Texts as the bytes by which messages are compared.</summary>
internal static class TextKey
{
    /// <summary>
    /// Encodes a text, if the encoding can express all of it. Otherwise its bytes would be those of another text ("?", say).
    /// </summary>
    public static bool TryEncode(Encoding encoding, string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        try
        {
            var encoded = encoding.GetBytes(text);
            if (encoding.GetString(encoded) != text)
            {
                return false;
            }

            bytes = encoded;
            return true;
        }
        catch (Exception exception) when (exception is EncoderFallbackException or DecoderFallbackException)
        {
            return false;
        }
    }

    /// <summary>Compares keys by content and looks them up by a span.</summary>
    internal sealed class Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly Comparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
