using System.Text;

namespace SocketKit;

/// <summary>The settings of a <see cref="DelimiterFramer"/>, which copies them when it is made. Not thread-safe.</summary>
public sealed class DelimiterOptions
{
    /// <summary>Makes the options from delimiters as text, encoded in UTF-8.</summary>
    /// <param name="delimiters">The delimiters; bytes can be added to <see cref="Delimiters"/>.</param>
    public DelimiterOptions(params string[] delimiters)
    {
        ArgumentNullException.ThrowIfNull(delimiters);
        foreach (var delimiter in delimiters)
        {
            Delimiters.Add(Encoding.UTF8.GetBytes(delimiter));
        }
    }

    /// <summary>The delimiters, 1 to 256 bytes each, at least one. Any of them ends a message; the first is the one that is written.
    /// None may hold another except at its end (CR LF next to LF is fine): it could never be found.</summary>
    public IList<ReadOnlyMemory<byte>> Delimiters { get; } = [];

    /// <summary>True: the delimiter is part of the message, and a message to send must end in one. Default: false, it is cut off and put on by the framer.</summary>
    public bool KeepDelimiter { get; set; }

    /// <summary>The longest message in bytes, the delimiter not counted. Default: no limit but <see cref="ConnectionOptions.MaxFrameLength"/>. At least 1.</summary>
    public int MaxLength { get; set; } = int.MaxValue;
}
