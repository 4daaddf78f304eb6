using System.Buffers;
using System.Diagnostics;
using System.Text;

namespace SocketKit;

/// <summary>
/// Bytes that you own: a copy of a message that outlives the handler call, or a response. Dispose it to give its buffer back; one that is
/// never disposed costs the pool a buffer, nothing worse. Not thread-safe.
/// </summary>
[DebuggerDisplay("{DebuggerText,nq}")]
public sealed class Message : IDisposable
{
    private readonly Encoding _encoding;
    private readonly int _length;
    private byte[]? _buffer;

    private Message(byte[] buffer, int length, Encoding encoding)
    {
        _buffer = buffer;
        _length = length;
        _encoding = encoding;
    }

    /// <summary>The number of bytes.</summary>
    public int Length => _length;

    /// <summary>The bytes.</summary>
    /// <exception cref="ObjectDisposedException">The message was disposed.</exception>
    public ReadOnlyMemory<byte> Memory => Buffer.AsMemory(0, _length);

    /// <summary>The bytes.</summary>
    /// <exception cref="ObjectDisposedException">The message was disposed.</exception>
    public ReadOnlySpan<byte> Span => Buffer.AsSpan(0, _length);

    private byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(Message));

    /// <summary>Copies bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="encoding">The encoding for <see cref="ToString"/>. Default: UTF-8.</param>
    public static Message Copy(ReadOnlyMemory<byte> bytes, Encoding? encoding = null) => Copy(bytes.Span, encoding);

    /// <summary>Copies bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="encoding">The encoding for <see cref="ToString"/>. Default: UTF-8.</param>
    public static Message Copy(ReadOnlySpan<byte> bytes, Encoding? encoding = null)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(bytes.Length);
        bytes.CopyTo(buffer);
        return new Message(buffer, bytes.Length, encoding ?? Encoding.UTF8);
    }

    // Text of a peer's, so escaped and cut.
    private string DebuggerText => _buffer is null ? "disposed" : $"{SocketKitText.Count(_length, "byte")}: \"{LogText.NameOf(this)}\"";

    /// <summary>
    /// The bytes as text, as they are: escape a peer's text before it is logged (<see cref="SafeLogging.Escape"/>). Bytes that are not
    /// valid in the encoding become U+FFFD.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The message was disposed.</exception>
    public override string ToString() => _encoding.GetString(Span);

    /// <summary>Gives the buffer back. Idempotent.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
