using System.Buffers.Binary;

namespace SocketKit.Transports.Tls;

/// <summary>
/// Holds the first bytes from a client until its ClientHello is whole, and makes one record of it. A client may cut the message into
/// several records (RFC 8446 section 5.1), while SslStream looks for the server name in the first one alone.
/// How the message was cut is not part of what the handshake authenticates. A ClientHello that is whole in its first record, and
/// everything that is none or does not fit into one record, passes unchanged. Not thread-safe.
/// </summary>
internal sealed class ClientHelloBuffer
{
    private const byte HandshakeRecord = 22;
    private const byte ClientHello = 1;
    private const int RecordHeader = 5;
    private const int MessageHeader = 4;

    /// <summary>What one record may hold (RFC 8446 section 5.1).</summary>
    private const int MaxRecord = 16 * 1024;

    /// <summary>The merged record, and behind it what is not looked at yet.</summary>
    private byte[] _bytes = new byte[1024];
    private int _end;
    private int _taken;

    /// <summary>The payload of the records that are merged so far, without the header.</summary>
    private int _merged;

    /// <summary>What there is can be taken; more is none of this buffer's business.</summary>
    public bool IsReady { get; private set; }

    /// <summary>The stream has ended.</summary>
    public bool IsEnded { get; private set; }

    public bool IsEmpty => _taken == _end;

    /// <summary>Where the next bytes go; never empty before <see cref="IsReady"/>.</summary>
    public Memory<byte> GetFree()
    {
        if (_end == _bytes.Length)
        {
            // Bounded: a merged record and an unfinished one.
            Array.Resize(ref _bytes, 2 * _bytes.Length);
        }

        return _bytes.AsMemory(_end);
    }

    /// <summary>So many bytes were received; none: the stream has ended.</summary>
    public void Advance(int count)
    {
        _end += count;
        IsEnded = count == 0;
        IsReady = IsEnded || !Merge();
        if (IsReady && _merged > 0)
        {
            BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(3), (ushort)_merged);
        }
    }

    /// <summary>Gives what is ready.</summary>
    public int Take(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, _end - _taken);
        _bytes.AsSpan(_taken, count).CopyTo(buffer);
        _taken += count;
        return count;
    }

    /// <returns>False: there is nothing more to merge.</returns>
    private bool Merge()
    {
        while (true)
        {
            var begin = _merged == 0 ? 0 : RecordHeader + _merged;
            var rest = _bytes.AsSpan(begin, _end - begin);
            if (!rest.IsEmpty && rest[0] != HandshakeRecord)
            {
                return false;
            }

            if (rest.Length < RecordHeader)
            {
                return true;
            }

            var length = BinaryPrimitives.ReadUInt16BigEndian(rest[3..]);
            if (length == 0 || _merged + length > MaxRecord)
            {
                return false;
            }

            var payload = rest[RecordHeader..];
            if (_merged == 0 && !payload.IsEmpty
                && (payload[0] != ClientHello || (payload.Length >= MessageHeader && MessageLength(payload) <= length)))
            {
                return false;
            }

            if (payload.Length < length)
            {
                return true;
            }

            if (_merged > 0)
            {
                // The second header goes.
                rest[RecordHeader..].CopyTo(rest);
                _end -= RecordHeader;
            }

            _merged += length;
            if (_merged >= MessageHeader
                && MessageLength(_bytes.AsSpan(RecordHeader)) is var message && (message <= _merged || message > MaxRecord))
            {
                return false;
            }
        }
    }

    private static int MessageLength(ReadOnlySpan<byte> message) =>
        MessageHeader + (int)(BinaryPrimitives.ReadUInt32BigEndian(message) & 0xffffff);
}
