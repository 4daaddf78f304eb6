using System.Buffers;

namespace SocketKit;

/// <summary>
/// Cuts the byte stream into messages, and writes messages so that the other end can cut them out again.
/// Stateless: one instance is shared by all connections and called from many threads at once.
/// </summary>
/// <remarks>
/// The connection guards a framer: it is never called on empty input, nor with more than <see cref="ProtocolOptions.MaxFrameLength"/>
/// bytes; what a frame consumes must lie in 1..input; a frame that needs more than that maximum ends the connection as
/// <see cref="CloseKind.FrameTooLarge"/>; more than 64 KiB discarded in a row without a message end it as
/// <see cref="CloseKind.ProtocolError"/>. Any exception ends the connection, names the framer in the log, and touches no other connection.
/// <para>Made to be implemented by you. A member that a minor version adds has a default implementation.</para>
/// </remarks>
public interface IFramer
{
    /// <summary>Looks for the next message at the start of the input.</summary>
    /// <param name="input">All bytes received and not yet consumed, at least one. Only bytes of a frame that is returned may be rewritten
    /// in place (unescape, unmask).</param>
    /// <param name="resume">What the last <see cref="Frame.NeedMore"/> for this same frame gave, 0 at first: how far it has searched, say,
    /// so that a long frame is never searched twice.</param>
    /// <exception cref="FramingException">The bytes break the protocol; the connection closes as
    /// <see cref="CloseKind.ProtocolError"/>.</exception>
    Frame Read(Span<byte> input, long resume);

    /// <summary>Writes one message as a frame. Runs under the connection's send lock, so it must not block or call back.</summary>
    /// <param name="message">The payload. It may be empty.</param>
    /// <param name="output">Where the frame goes. When this method throws, nothing of it is sent.</param>
    /// <exception cref="FramingException">The message cannot be framed: too long for the header, or it holds its own delimiter or mark. The
    /// connection lives on.</exception>
    void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output);

    /// <summary>
    /// True if an empty message of a transport that preserves message boundaries is an empty message of the protocol. It is delivered
    /// without a call of <see cref="Read"/>. Default: false; it holds no frame, and is ignored.
    /// </summary>
    bool TakesEmptyMessages => false;

    /// <summary>
    /// Says what is missing when the stream ends inside a frame, for people: <c>1 byte without a line end</c>. Default: the number of
    /// bytes.
    /// </summary>
    /// <param name="input">The bytes left over, at least one.</param>
    string DescribeIncomplete(ReadOnlySpan<byte> input) => $"{input.Length} {(input.Length == 1 ? "byte" : "bytes")} of an unfinished frame";
}
