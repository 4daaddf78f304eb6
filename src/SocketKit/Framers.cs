using System.Text;

namespace SocketKit;

/// <summary>
/// The framers in the box: <c>Framers.X()</c> makes an <c>XFramer</c>, which is <c>X</c> in configuration. A stream such as TCP delivers
/// bytes, not messages; a framer says where one message ends and the next begins. Both ends must use the same one. Every framer is
/// thread-safe and keeps no state, so one instance serves all connections.
/// </summary>
public static class Framers
{
    /// <summary>Text lines: one line is one message. The right choice to begin with; works with <c>nc</c> and telnet.</summary>
    /// <param name="lineEnding">The line end. Default: LF and CR LF are both read, LF is written.</param>
    /// <param name="maxLength">The longest line in bytes, the line end not counted. Default: no limit but
    /// <see cref="ProtocolOptions.MaxFrameLength"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxLength"/> is below 1, or there is no such line end.</exception>
    public static LinesFramer Lines(LineEnding lineEnding = LineEnding.Any, int maxLength = int.MaxValue) => new(lineEnding, maxLength);

    /// <summary>The length of the message in front of it. The right choice for binary data, and the fastest.</summary>
    /// <param name="field">The kind of length field. Default: four bytes.</param>
    /// <param name="byteOrder">The byte order of the field. Default: highest byte first.</param>
    /// <param name="maxLength">The longest message in bytes, the field not counted. Default: no limit but
    /// <see cref="ProtocolOptions.MaxFrameLength"/>.</param>
    /// <exception cref="OptionsException">A value is out of its range.</exception>
    public static LengthPrefixedFramer LengthPrefixed(LengthField field = LengthField.FourBytes, ByteOrder byteOrder = ByteOrder.BigEndian, int maxLength = int.MaxValue) =>
        new(new LengthPrefixedOptions { Field = field, ByteOrder = byteOrder, MaxLength = maxLength });

    /// <summary>A length somewhere in the header, for protocols that exist already.</summary>
    /// <param name="options">Where the length stands and what it counts.</param>
    /// <exception cref="OptionsException">An option is out of its range.</exception>
    public static LengthPrefixedFramer LengthPrefixed(LengthPrefixedOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new(options);
    }

    /// <summary>Messages that end in a delimiter, which is cut off.</summary>
    /// <param name="delimiter">The delimiter, encoded in UTF-8. Where <see cref="ProtocolOptions.TextEncoding"/> says it in other bytes,
    /// or uses its bytes inside of other characters (<c>|</c> in GBK, anything in UTF-16), the start is refused; the overload for bytes
    /// takes any.</param>
    /// <exception cref="ArgumentException">The delimiter is empty, or longer than 256 bytes.</exception>
    public static DelimitedFramer Delimited(string delimiter) => Delimited(delimiter, Encoding.UTF8);

    /// <summary>Messages that end in a delimiter, which is cut off, in another encoding than UTF-8.</summary>
    /// <param name="delimiter">The delimiter. See <see cref="Delimited(string)"/> for what cannot be one.</param>
    /// <param name="encoding">The encoding of the texts on the wire: that of <see cref="ProtocolOptions.TextEncoding"/>.</param>
    /// <exception cref="ArgumentException">The delimiter is empty, or longer than 256 bytes, or the encoding cannot express it.</exception>
    public static DelimitedFramer Delimited(string delimiter, Encoding encoding)
    {
        ArgumentException.ThrowIfNullOrEmpty(delimiter);
        return new(new DelimitedOptions(encoding, delimiter));
    }

    /// <summary>Messages that end in a delimiter, which is cut off.</summary>
    /// <param name="delimiter">The delimiter's bytes.</param>
    /// <exception cref="ArgumentException">The delimiter is empty, or longer than 256 bytes.</exception>
    public static DelimitedFramer Delimited(ReadOnlySpan<byte> delimiter) => new(delimiter);

    /// <summary>Messages that end in one of several delimiters, or keep theirs, or have a maximum length.</summary>
    /// <param name="options">The delimiters and what to do with them.</param>
    /// <exception cref="OptionsException">An option is out of its range.</exception>
    public static DelimitedFramer Delimited(DelimitedOptions options) => new(options);

    /// <summary>Messages that all have the same size.</summary>
    /// <param name="size">The size in bytes, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is below 1.</exception>
    public static FixedSizeFramer FixedSize(int size) => new(size);

    /// <summary>Messages between a begin and an end mark; what stands outside of marks is discarded and counted.</summary>
    /// <param name="begin">The begin mark, encoded in UTF-8; see <see cref="Delimited(string)"/> for what
    /// <see cref="ProtocolOptions.TextEncoding"/> has to do with it.</param>
    /// <param name="end">The end mark, encoded in UTF-8. The same as the begin mark: see <see cref="EnclosedFramer"/>.</param>
    /// <param name="maxLength">The longest message in bytes, the marks not counted. Default: no limit but
    /// <see cref="ProtocolOptions.MaxFrameLength"/>.</param>
    /// <exception cref="ArgumentException">A mark is empty, or longer than 256 bytes; or <paramref name="maxLength"/> is below
    /// 1.</exception>
    public static EnclosedFramer Enclosed(string begin, string end, int maxLength = int.MaxValue) => Enclosed(begin, end, Encoding.UTF8, maxLength);

    /// <summary>
    /// Messages between a begin and an end mark, in another encoding than UTF-8; what stands outside of marks is discarded and counted.
    /// </summary>
    /// <param name="begin">The begin mark; see <see cref="Delimited(string)"/> for what cannot be one.</param>
    /// <param name="end">The end mark.</param>
    /// <param name="encoding">The encoding of the texts on the wire: that of <see cref="ProtocolOptions.TextEncoding"/>.</param>
    /// <param name="maxLength">The longest message in bytes, the marks not counted. Default: no limit but
    /// <see cref="ProtocolOptions.MaxFrameLength"/>.</param>
    /// <exception cref="ArgumentException">A mark is empty, or longer than 256 bytes, or the encoding cannot express it; or
    /// <paramref name="maxLength"/> is below 1.</exception>
    public static EnclosedFramer Enclosed(string begin, string end, Encoding encoding, int maxLength = int.MaxValue)
    {
        ArgumentException.ThrowIfNullOrEmpty(begin);
        ArgumentException.ThrowIfNullOrEmpty(end);
        ArgumentNullException.ThrowIfNull(encoding);
        return new(begin, end, encoding, maxLength);
    }

    /// <summary>Messages between a begin and an end mark; what stands outside of marks is discarded and counted.</summary>
    /// <param name="begin">The begin mark's bytes.</param>
    /// <param name="end">The end mark's bytes.</param>
    /// <param name="maxLength">The longest message in bytes, the marks not counted. Default: no limit but
    /// <see cref="ProtocolOptions.MaxFrameLength"/>.</param>
    /// <exception cref="ArgumentException">A mark is empty, or longer than 256 bytes; or <paramref name="maxLength"/> is below
    /// 1.</exception>
    public static EnclosedFramer Enclosed(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, int maxLength = int.MaxValue) => new(begin, end, maxLength);

    /// <summary>
    /// No framing: whatever has arrived is a message. For wires that keep messages (UDP, WebSocket), and to look at bytes as they come.
    /// </summary>
    /// <param name="maxLength">The longest message in bytes, where message boundaries are preserved. Default: no limit but
    /// <see cref="ProtocolOptions.MaxFrameLength"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxLength"/> is below 1.</exception>
    public static RawFramer Raw(int maxLength = int.MaxValue) => new(maxLength);
}
