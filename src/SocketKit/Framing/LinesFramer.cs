using System.Buffers;
using System.Diagnostics;
using SocketKit.Framing;

namespace SocketKit;

/// <summary>Which line end a <see cref="LinesFramer"/> reads and writes.</summary>
public enum LineEnding
{
    /// <summary>
    /// Reads lines that end in LF or in CR LF, also mixed; writes LF. What people with <c>nc</c>, telnet and any operating system need.
    /// </summary>
    Any = 0,

    /// <summary>LF only; a CR breaks the protocol.</summary>
    Lf = 1,

    /// <summary>CR LF only; an LF on its own breaks the protocol.</summary>
    CrLf = 2,
}

/// <summary>
/// One line is one message; the line end is not part of it, and an empty line is an empty message. Bytes are not decoded: any encoding
/// that keeps ASCII as it is will do (UTF-8, GB18030, Latin-1); with another <see cref="ProtocolOptions.TextEncoding"/>, such as UTF-16,
/// the start is refused. Thread-safe and stateless.
/// </summary>
/// <remarks>
/// Strict: a message never holds CR or LF. A CR that no LF follows, or a line end of the other kind, ends the connection as
/// <see cref="CloseKind.ProtocolError"/>, and <see cref="Write"/> refuses messages with CR or LF in them, so that nobody slips a second
/// message into the first. Every other byte is data: NUL, bytes that are not valid UTF-8, and the line separators that only Unicode knows
/// (U+0085, U+2028, U+2029).
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class LinesFramer : IFramer, IFramerFacts
{
    internal const string LineEndName = "line end";

    private const byte Cr = (byte)'\r';
    private const byte Lf = (byte)'\n';

    // Each of the two on its own: both are looked for.
    private static readonly FramerText[] Ends = [new(LineEndName, "\n", new[] { Lf }), new(LineEndName, "\r", new[] { Cr })];

    private readonly LineEnding _end;
    private readonly int _maxLength;

    /// <summary>Makes a line framer.</summary>
    /// <param name="lineEnding">The line end. Default: <see cref="LineEnding.Any"/>.</param>
    /// <param name="maxLength">The longest line in bytes, the line end not counted. Default: no limit but
    /// <see cref="ProtocolOptions.MaxFrameLength"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="lineEnding"/> is no line end, or <paramref name="maxLength"/> is
    /// below 1.</exception>
    public LinesFramer(LineEnding lineEnding = LineEnding.Any, int maxLength = int.MaxValue)
    {
        if (!Enum.IsDefined(lineEnding))
        {
            throw new ArgumentOutOfRangeException(nameof(lineEnding), lineEnding, "Use LineEnding.Any, LineEnding.Lf or LineEnding.CrLf.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, 1);
        _end = lineEnding;
        _maxLength = maxLength;
    }

    long IFramerFacts.ShortestFrame => _end == LineEnding.CrLf ? 2 : 1;

    IReadOnlyList<FramerText> IFramerFacts.Texts => Ends;

    /// <summary>For people and debuggers: <c>LinesFramer, Any, at most 80 bytes</c>.</summary>
    public override string ToString() => $"LinesFramer, {_end}{SocketKitText.AtMost(_maxLength)}";

    /// <inheritdoc/>
    public Frame Read(Span<byte> input, long resume)
    {
        var from = (int)resume;
        var at = input[from..].IndexOfAny(Cr, Lf);
        var length = at < 0 ? input.Length : from + at;
        if (length > _maxLength)
        {
            throw FrameOutput.LongerThan(_maxLength);
        }

        if (at < 0)
        {
            return Frame.NeedMore(length);
        }

        if (input[length] == Lf)
        {
            return _end == LineEnding.CrLf ? throw new FramingException("A line ends in LF without CR, where only CR LF is allowed") : Frame.Message(0, length, 1);
        }

        if (_end == LineEnding.Lf)
        {
            throw new FramingException("A CR in a line, where lines end in LF alone; LineEnding.Any allows both line ends");
        }

        if (length + 1 == input.Length)
        {
            return Frame.NeedMore(length);
        }

        return input[length + 1] == Lf ? Frame.Message(0, length, 2) : throw new FramingException("A CR without LF after it");
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        if (message.Length > _maxLength)
        {
            throw new FrameTooLargeException(message.Length, _maxLength);
        }

        if (message.ContainsAny(Cr, Lf))
        {
            throw new FramingException("A message that goes out as one line must not hold CR or LF; send the lines one by one");
        }

        var end = _end == LineEnding.CrLf ? 2 : 1;
        var frame = FrameOutput.Reserve(output, (long)message.Length + end);
        message.CopyTo(frame);
        if (end == 2)
        {
            frame[^2] = Cr;
        }

        frame[^1] = Lf;
        output.Advance(frame.Length);
    }

    /// <inheritdoc/>
    public string DescribeIncomplete(ReadOnlySpan<byte> input) => $"{FrameOutput.Bytes(input.Length)} without a line end";
}
