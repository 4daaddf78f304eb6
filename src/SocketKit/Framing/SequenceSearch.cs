using System.Buffers;

namespace SocketKit.Framing;

/// <summary>
/// Finds the first of a few byte sequences (delimiters, marks) and says where to go on when more bytes have come.
/// No sequence holds another one except at its end. So the match that begins first is also the match that ends first, and how the bytes are
/// cut into pieces never changes what is found.
/// </summary>
internal sealed class SequenceSearch
{
    internal const int MaxSequenceLength = 256;

    private readonly byte[][] _sequences;
    private readonly SearchValues<byte>? _firstBytes;

    /// <exception cref="ArgumentException">No sequence, one of 0 or more than 256 bytes, or one that can never be told from
    /// another.</exception>
    internal SequenceSearch(params byte[][] sequences)
    {
        if (sequences.Length == 0)
        {
            throw new ArgumentException("give at least one delimiter");
        }

        foreach (var sequence in sequences)
        {
            if (sequence.Length is 0 or > MaxSequenceLength)
            {
                throw new ArgumentException($"a delimiter or mark has 1 to {MaxSequenceLength} bytes, not {sequence.Length}");
            }
        }

        for (var i = 0; i < sequences.Length; i++)
        {
            for (var j = 0; j < sequences.Length; j++)
            {
                if (i != j && Hides(sequences[i], sequences[j]))
                {
                    throw new ArgumentException(
                        $"{Convert.ToHexString(sequences[i])} (hexadecimal) can never be found, because {Convert.ToHexString(sequences[j])} in it ends a message first; leave one of them out");
                }
            }
        }

        _sequences = sequences;
        _firstBytes = sequences.Length == 1 ? null : SearchValues.Create([.. sequences.Select(sequence => sequence[0]).Distinct()]);
    }

    /// <summary>The length of a sequence, by its index in the order given.</summary>
    internal int LengthOf(int index) => _sequences[index].Length;

    /// <summary>Searches from a place on.</summary>
    /// <param name="input">All bytes.</param>
    /// <param name="from">Where to begin: an earlier <paramref name="position"/>, or the start.</param>
    /// <param name="position">Where the match begins; without one, the first place at which a match may still begin, which is where to go
    /// on.</param>
    /// <returns>Which sequence it is, or -1.</returns>
    internal int Find(ReadOnlySpan<byte> input, int from, out int position)
    {
        if (_firstBytes is not null)
        {
            return FindAny(input, from, out position);
        }

        var only = _sequences[0];
        var at = input[from..].IndexOf(only);
        if (at >= 0)
        {
            position = from + at;
            return 0;
        }

        position = Math.Max(from, input.Length - only.Length + 1);
        return -1;
    }

    private int FindAny(ReadOnlySpan<byte> input, int from, out int position)
    {
        while (true)
        {
            var at = input[from..].IndexOfAny(_firstBytes!);
            if (at < 0)
            {
                position = input.Length;
                return -1;
            }

            from += at;
            var rest = input[from..];
            var begun = false;
            for (var i = 0; i < _sequences.Length; i++)
            {
                var sequence = _sequences[i];
                if (rest.StartsWith(sequence))
                {
                    position = from;
                    return i;
                }

                begun |= rest.Length < sequence.Length && sequence.AsSpan().StartsWith(rest);
            }

            if (begun)
            {
                position = from;
                return -1;
            }

            from++;
        }
    }

    private static bool Hides(ReadOnlySpan<byte> sequence, ReadOnlySpan<byte> other)
    {
        var at = sequence.IndexOf(other);
        return at >= 0 && (at + other.Length < sequence.Length || sequence.Length == other.Length);
    }

    /// <summary>The sequences, for people.</summary>
    public override string ToString() => string.Join(" or ", _sequences.Select(sequence => SocketKitText.Bytes(sequence)));
}
