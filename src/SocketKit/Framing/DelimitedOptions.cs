using System.Diagnostics;
using System.Text;
using SocketKit.Framing;

namespace SocketKit;

/// <summary>The settings of a <see cref="DelimitedFramer"/>, which copies them when it is made. Not thread-safe.</summary>
[DebuggerDisplay("Delimiters = {Delimiters.Count}, KeepDelimiter = {KeepDelimiter}")]
public sealed class DelimitedOptions
{
    /// <summary>Makes the options from delimiters as text, encoded in UTF-8.</summary>
    /// <param name="delimiters">The delimiters; bytes can be added to <see cref="Delimiters"/>. See <see cref="Framers.Delimited(string)"/>
    /// for what <see cref="ProtocolOptions.TextEncoding"/> has to do with them.</param>
    /// <exception cref="ArgumentException">A delimiter holds half a surrogate pair.</exception>
    public DelimitedOptions(params string[] delimiters)
        : this(Encoding.UTF8, delimiters)
    {
    }

    /// <summary>Makes the options from delimiters as text in another encoding than UTF-8.</summary>
    /// <param name="encoding">The encoding: that of the texts on the wire, <see cref="ProtocolOptions.TextEncoding"/>.</param>
    /// <param name="delimiters">The delimiters; bytes can be added to <see cref="Delimiters"/>.</param>
    /// <exception cref="ArgumentException">The encoding cannot express a delimiter.</exception>
    public DelimitedOptions(Encoding encoding, params string[] delimiters)
    {
        ArgumentNullException.ThrowIfNull(encoding);
        ArgumentNullException.ThrowIfNull(delimiters);
        Texts = [.. delimiters.Select(delimiter => new FramerText("delimiter", delimiter, TextBytes.Encode(encoding, delimiter)))];
        foreach (var text in Texts)
        {
            Delimiters.Add(text.Bytes);
        }
    }

    /// <summary>The delimiters that were given as text.</summary>
    internal FramerText[] Texts { get; }

    /// <summary>The delimiters, 1 to 256 bytes each, at least one. Any of them ends a message; the first is the one that is written.
    /// None may hold another except at its end (CR LF next to LF is fine): it could never be found.</summary>
    public IList<ReadOnlyMemory<byte>> Delimiters { get; } = [];

    /// <summary>
    /// True: the delimiter is part of the message, and a message to send must end in one. Default: false, it is cut off and put on by the
    /// framer.
    /// </summary>
    public bool KeepDelimiter { get; set; }

    /// <summary>
    /// The longest message in bytes, the delimiter not counted. Default: no limit but <see cref="ProtocolOptions.MaxFrameLength"/>. At
    /// least 1.
    /// </summary>
    public int MaxLength { get; set; } = int.MaxValue;
}
