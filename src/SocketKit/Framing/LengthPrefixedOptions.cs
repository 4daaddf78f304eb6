using System.Diagnostics;

namespace SocketKit;

/// <summary>
/// How a length field is written. The numbers are names only: 4 is none of them, so a number of bytes is not one by a cast.
/// </summary>
public enum LengthField
{
    /// <summary>4 bytes, unsigned. The default, and what most protocols use.</summary>
    FourBytes = 0,

    /// <summary>1 byte, unsigned: up to 255.</summary>
    OneByte = 1,

    /// <summary>2 bytes, unsigned: up to 65,535.</summary>
    TwoBytes = 2,

    /// <summary>3 bytes, unsigned: up to 16,777,215.</summary>
    ThreeBytes = 3,

    /// <summary>8 bytes. A value with the highest bit set counts as negative and breaks the protocol.</summary>
    EightBytes = 8,

    /// <summary>
    /// 1 to 10 bytes, unsigned LEB128: seven bits a byte, lowest first, highest bit set in all but the last. What Protocol Buffers'
    /// delimited messages use.
    /// </summary>
    Varint = 9,
}

/// <summary>In which order the bytes of a number are sent.</summary>
public enum ByteOrder
{
    /// <summary>Highest byte first ("network order"). The default.</summary>
    BigEndian = 0,

    /// <summary>Lowest byte first.</summary>
    LittleEndian = 1,
}

/// <summary>The settings of a <see cref="LengthPrefixedFramer"/>, which copies them when it is made. Not thread-safe.</summary>
/// <remarks>
/// The semantics are those of Netty's <c>LengthFieldBasedFrameDecoder</c>:
/// <c>whole frame = FieldOffset + bytes of the field + value of the field + Adjustment</c>, and the message is the frame without its first
/// <see cref="BytesToStrip"/> bytes.
/// </remarks>
[DebuggerDisplay("{Field}, {ByteOrder}, at {FieldOffset}")]
public sealed class LengthPrefixedOptions
{
    /// <summary>The kind of length field. Default: <see cref="LengthField.FourBytes"/>. Netty: <c>lengthFieldLength</c>.</summary>
    public LengthField Field { get; set; }

    /// <summary>The byte order of the field; a varint has none. Default: <see cref="ByteOrder.BigEndian"/>.</summary>
    public ByteOrder ByteOrder { get; set; }

    /// <summary>
    /// How many bytes of the frame come before the field. Default: 0. Range: 0 to 65,535. Netty: <c>lengthFieldOffset</c>.
    /// </summary>
    public int FieldOffset { get; set; }

    /// <summary>
    /// What is added to the field's value to get the number of bytes after the field: minus the size of the field (and of what is before
    /// it) when the value counts them too, plus the bytes that it leaves out. Default: 0. Netty: <c>lengthAdjustment</c>.
    /// </summary>
    public int Adjustment { get; set; }

    /// <summary>
    /// How many bytes at the start of the frame are not part of the message: null = all up to the end of the field, 0 = none, so that the
    /// message holds its header. Default: null. Netty: <c>initialBytesToStrip</c>, whose default is 0. Bytes that are stripped must be
    /// known when a message is sent: see <see cref="LengthPrefixedFramer.CanWrite"/>.
    /// </summary>
    public int? BytesToStrip { get; set; }

    /// <summary>
    /// The longest message in bytes, counted after stripping. Default: no limit but <see cref="ProtocolOptions.MaxFrameLength"/>. At least
    /// 1.
    /// </summary>
    public int MaxLength { get; set; } = int.MaxValue;
}
