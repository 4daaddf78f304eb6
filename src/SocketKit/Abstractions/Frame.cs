using System.Diagnostics;

namespace SocketKit;

/// <summary>What a framer found at the start of its input. A value; made by the factory methods.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public readonly struct Frame : IEquatable<Frame>
{
    private Frame(FrameKind kind, long value, int header = 0, int length = 0, int trailer = 0, bool barrier = false)
    {
        Kind = kind;
        Value = value;
        HeaderLength = header;
        Length = length;
        TrailerLength = trailer;
        IsBarrier = barrier;
    }

    /// <summary>Which of the four things the framer said. The default value of a frame is <see cref="FrameKind.NeedMore"/>.</summary>
    public FrameKind Kind { get; }

    /// <summary>The framer's note of <see cref="NeedMore"/>, given back verbatim at the next call; else 0.</summary>
    public long Resume => Kind == FrameKind.NeedMore ? Value : 0;

    /// <summary>The bytes of the whole frame that <see cref="NeedTotal"/> asks for; else 0.</summary>
    public long TotalLength => Kind == FrameKind.NeedTotal ? Value : 0;

    /// <summary>Bytes before the payload of a message; of <see cref="Discard"/>, how many.</summary>
    public int HeaderLength { get; }

    /// <summary>Bytes of the payload of a message.</summary>
    public int Length { get; }

    /// <summary>Bytes after the payload of a message.</summary>
    public int TrailerLength { get; }

    /// <summary>Nothing further is parsed until this message's handler has completed.</summary>
    public bool IsBarrier { get; }

    /// <summary>The note of NeedMore, or the total of NeedTotal.</summary>
    internal long Value { get; }

    /// <summary>
    /// Bytes that the frame takes from the input: 0 unless it is a message or discarded bytes. A long: hostile parts may add up beyond an
    /// int.
    /// </summary>
    public long Consumed => (long)HeaderLength + Length + TrailerLength;

    /// <summary>No whole frame yet; call again when more bytes have come.</summary>
    /// <param name="resume">The framer's own note for this frame, given back verbatim at the next call.</param>
    public static Frame NeedMore(long resume = 0) => new(FrameKind.NeedMore, resume);

    /// <summary>No whole frame yet, and its total length is known: not called again before that many bytes are there.</summary>
    /// <param name="length">The whole frame in bytes, header and trailer included; more than the input holds.</param>
    public static Frame NeedTotal(long length) => new(FrameKind.NeedTotal, length);

    /// <summary>A message: <paramref name="header"/> bytes to skip, the payload, <paramref name="trailer"/> bytes to skip.</summary>
    /// <param name="header">Bytes before the payload.</param>
    /// <param name="length">Bytes of the payload; 0 is an empty message, which is delivered.</param>
    /// <param name="trailer">Bytes after the payload.</param>
    /// <param name="barrier">True: nothing further is parsed until this message's handler has completed: for messages that change how what
    /// follows is read.</param>
    public static Frame Message(int header, int length, int trailer = 0, bool barrier = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(header);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfNegative(trailer);
        return new(FrameKind.Message, 0, header, length, trailer, barrier);
    }

    /// <summary>Bytes that belong to no message: skipped, counted and logged.</summary>
    /// <param name="count">How many, at least 1.</param>
    public static Frame Discard(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return new(FrameKind.Discard, 0, header: count);
    }

    /// <inheritdoc/>
    public bool Equals(Frame other) =>
        Kind == other.Kind && Value == other.Value && HeaderLength == other.HeaderLength && Length == other.Length
        && TrailerLength == other.TrailerLength && IsBarrier == other.IsBarrier;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Frame other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Value, HeaderLength, Length, TrailerLength, IsBarrier);

    /// <summary>Compares by content.</summary>
    public static bool operator ==(Frame left, Frame right) => left.Equals(right);

    /// <summary>Compares by content.</summary>
    public static bool operator !=(Frame left, Frame right) => !left.Equals(right);

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        FrameKind.NeedMore => $"NeedMore({Value})",
        FrameKind.NeedTotal => $"NeedTotal({Value})",
        FrameKind.Discard => $"Discard({HeaderLength})",
        _ => $"Message({HeaderLength}, {Length}, {TrailerLength}{(IsBarrier ? ", barrier" : "")})",
    };
}

/// <summary>Which of the four things a framer said.</summary>
public enum FrameKind
{
    /// <summary>No whole frame yet.</summary>
    NeedMore = 0,

    /// <summary>No whole frame yet, and its length is known.</summary>
    NeedTotal = 1,

    /// <summary>A message.</summary>
    Message = 2,

    /// <summary>Bytes that belong to no message.</summary>
    Discard = 3,
}
