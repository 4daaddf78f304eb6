using System.Buffers.Binary;

namespace SocketKit.Transports.Tls;

/// <summary>
/// Counts the records in a stream of TLS (RFC 8446 section 5.1), whatever their contents: each has five bytes in front, and the last two of
/// these say how many follow. Belongs to whoever receives.
/// </summary>
internal struct TlsRecordCounter
{
    private const int HeaderLength = 5;
    private const int LengthOffset = 3;

    private uint _header;
    private int _headerSeen;
    private int _left;
    private int _length;

    /// <summary>Bytes of all records that have ended, without what stands in front of each.</summary>
    public long EndedBytes { get; private set; }

    /// <summary>The same of the last one.</summary>
    public int LastLength { get; private set; }

    /// <summary>
    /// As many bytes as can come without a second record's end among them: to the end of this one, and of what stands in front of the next.
    /// </summary>
    public readonly int ToNext => _left + HeaderLength - _headerSeen;

    /// <returns>How many records end in these bytes.</returns>
    public int Count(ReadOnlySpan<byte> bytes)
    {
        var ended = 0;
        while (!bytes.IsEmpty)
        {
            if (_left > 0)
            {
                var taken = Math.Min(_left, bytes.Length);
                _left -= taken;
                bytes = bytes[taken..];
            }
            else if (_headerSeen == 0 && bytes.Length >= HeaderLength)
            {
                _left = _length = BinaryPrimitives.ReadUInt16BigEndian(bytes[LengthOffset..]);
                bytes = bytes[HeaderLength..];
            }
            else
            {
                _header = (_header << 8) | bytes[0];
                bytes = bytes[1..];
                if (++_headerSeen < HeaderLength)
                {
                    continue;
                }

                _headerSeen = 0;
                _left = _length = (ushort)_header;
            }

            if (_left == 0)
            {
                ended++;
                EndedBytes += LastLength = _length;
            }
        }

        return ended;
    }
}
