using System.Diagnostics;
using System.Text;

namespace SocketKit;

/// <summary>What a strategy says to a message. A value, compared by content; text and bytes convert by themselves.</summary>
[DebuggerDisplay("{DebuggerText,nq}")]
public readonly struct Reply : IEquatable<Reply>
{
    private readonly string? _text;

    // The bytes of a Bytes reply; of a Text reply its UTF-8 bytes, if they were made beforehand.
    private readonly ReadOnlyMemory<byte> _bytes;

    private Reply(ReplyKind kind, string? text = null, ReadOnlyMemory<byte> bytes = default)
    {
        Kind = kind;
        _text = text;
        _bytes = bytes;
    }

    /// <summary>Not mine: ask the next strategy. The default value.</summary>
    public static Reply Pass => default;

    /// <summary>Mine, and nothing is sent.</summary>
    public static Reply None => new(ReplyKind.None);

    /// <summary>The same bytes back.</summary>
    public static Reply Echo => new(ReplyKind.Echo);

    /// <summary>Which of the five it is.</summary>
    public ReplyKind Kind { get; }

    /// <summary>
    /// These bytes, as one message; empty bytes are an empty message. They are not copied: leave them untouched until the reply is sent.
    /// </summary>
    public static Reply Bytes(ReadOnlyMemory<byte> bytes) => new(ReplyKind.Bytes, bytes: bytes);

    /// <summary>This text, as one message in the connection's encoding; an empty text is an empty message.</summary>
    /// <exception cref="ArgumentNullException">The text is null; to stay silent, say <see cref="None"/>.</exception>
    public static Reply Text(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new(ReplyKind.Text, text);
    }

    /// <summary>Text is a reply.</summary>
    public static implicit operator Reply(string text) => Text(text);

    /// <summary>Bytes are a reply.</summary>
    public static implicit operator Reply(byte[] bytes)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        return Bytes(bytes);
    }

    /// <summary>
    /// Sends the reply, if there is one to send: for handlers of your own that ask a strategy.
    /// <see cref="Handlers.Reply(IReplyStrategy[])"/> does it by itself.
    /// </summary>
    /// <param name="connection">Where to.</param>
    /// <param name="message">The message that is answered, still valid.</param>
    /// <returns>See <see cref="IMessageSender.SendAsync"/>.</returns>
    public ValueTask SendAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return Kind switch
        {
            ReplyKind.Echo => connection.SendAsync(message),
            ReplyKind.Bytes => connection.SendAsync(_bytes),
            ReplyKind.Text when !_bytes.IsEmpty && connection.TextEncoding is UTF8Encoding => connection.SendAsync(_bytes),
            ReplyKind.Text => connection.SendAsync(_text!),
            _ => default,
        };
    }

    /// <inheritdoc/>
    public bool Equals(Reply other) =>
        Kind == other.Kind && (Kind == ReplyKind.Text ? _text == other._text : _bytes.Span.SequenceEqual(other._bytes.Span));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Reply other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Kind);
        if (Kind == ReplyKind.Text)
        {
            hash.Add(_text);
        }
        else
        {
            hash.AddBytes(_bytes.Span);
        }

        return hash.ToHashCode();
    }

    /// <summary>Compares by content.</summary>
    public static bool operator ==(Reply left, Reply right) => left.Equals(right);

    /// <summary>Compares by content.</summary>
    public static bool operator !=(Reply left, Reply right) => !left.Equals(right);

    // A reply may repeat what a peer has said.
    private string DebuggerText => Kind == ReplyKind.Text ? $"\"{LogText.Escape(_text!)}\"" : LogText.Escape(ToString());

    /// <summary>The text as it is, the bytes in hexadecimal, or the kind.</summary>
    public override string ToString() => Kind switch
    {
        ReplyKind.Text => _text!,
        ReplyKind.Bytes => Convert.ToHexString(_bytes.Span),
        _ => Kind.ToString(),
    };

    /// <summary>
    /// The same reply made to be kept: text gets its UTF-8 bytes now, bytes are copied so that their owner may change them.
    /// </summary>
    internal Reply Keep() => Kind switch
    {
        ReplyKind.Text when Replies.TextKey.TryEncode(Encoding.UTF8, _text!, out var utf8) => new(ReplyKind.Text, _text, utf8),
        ReplyKind.Bytes => Bytes(_bytes.ToArray()),
        _ => this,
    };
}

/// <summary>Which kind of reply.</summary>
public enum ReplyKind
{
    /// <summary>Not mine: ask the next strategy. The default.</summary>
    Pass = 0,

    /// <summary>Mine, and nothing is sent.</summary>
    None = 1,

    /// <summary>The same bytes back.</summary>
    Echo = 2,

    /// <summary>Bytes.</summary>
    Bytes = 3,

    /// <summary>Text.</summary>
    Text = 4,
}
