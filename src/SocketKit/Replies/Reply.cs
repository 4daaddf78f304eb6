namespace SocketKit;

/// <summary>What a strategy says to a message. A value, compared by content; text and bytes convert by themselves.</summary>
public readonly struct Reply : IEquatable<Reply>
{
    private readonly string? _text;
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

    /// <summary>These bytes. They are not copied: leave them untouched until the reply is sent.</summary>
    public static Reply Bytes(ReadOnlyMemory<byte> bytes) => new(ReplyKind.Bytes, bytes: bytes);

    /// <summary>This text, in the connection's encoding.</summary>
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

    /// <summary>Sends the reply, if there is one to send.</summary>
    internal ValueTask SendAsync(IConnection connection, ReadOnlyMemory<byte> message) => Kind switch
    {
        ReplyKind.Echo => connection.SendAsync(message),
        ReplyKind.Bytes => connection.SendAsync(_bytes),
        ReplyKind.Text => connection.SendAsync(_text!),
        _ => default,
    };

    /// <inheritdoc/>
    public bool Equals(Reply other) => Kind == other.Kind && _text == other._text && _bytes.Span.SequenceEqual(other._bytes.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Reply other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.Add(Kind);
        hash.Add(_text);
        hash.AddBytes(_bytes.Span);
        return hash.ToHashCode();
    }

    /// <summary>Compares by content.</summary>
    public static bool operator ==(Reply left, Reply right) => left.Equals(right);

    /// <summary>Compares by content.</summary>
    public static bool operator !=(Reply left, Reply right) => !left.Equals(right);

    /// <summary>The text, the bytes in hexadecimal, or the kind.</summary>
    public override string ToString() => Kind switch
    {
        ReplyKind.Text => _text!,
        ReplyKind.Bytes => Convert.ToHexString(_bytes.Span),
        _ => Kind.ToString(),
    };
}

/// <summary>Which kind of reply.</summary>
public enum ReplyKind
{
    /// <summary>Not mine: ask the next strategy.</summary>
    Pass,

    /// <summary>Mine, and nothing is sent.</summary>
    None,

    /// <summary>The same bytes back.</summary>
    Echo,

    /// <summary>Bytes.</summary>
    Bytes,

    /// <summary>Text.</summary>
    Text,
}
