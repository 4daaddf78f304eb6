using System.Buffers;
using System.Text;
using SocketKit.Framing;

namespace SocketKit;

/// <summary>
/// Tests a framer of your own, in any test framework: what <see cref="IFramer.Write"/> wrote, <see cref="IFramer.Read"/> must give back,
/// however the bytes are cut into pieces on their way (<see cref="RoundTrip(IFramer, IEnumerable{byte[]})"/>), and after a damaged frame
/// (<see cref="Recovery(IFramer, int, IEnumerable{byte[]})"/>).
/// </summary>
public static partial class FramerCheck
{
    // A frame up to this size is cut at every byte; a longer one at its ends and at evenly spread places.
    private const int EveryCut = 2048;
    private const int CutsAtEnds = 256;
    private const int SpreadCuts = 512;

    // The first bytes of a frame come one at a time, those behind in pieces: a framer that searches from the start each time would take for
    // ever.
    private const int OneByOne = 16 * 1024;
    private const int Piece = 1024;

    /// <summary>
    /// Writes the messages and reads them back: all at once; cut in two at every byte of every frame (a frame over 2 KiB: at about a
    /// thousand places); byte by byte (after 16 KiB of a frame: by 1 KiB); and interleaved with a second connection, which finds state that
    /// a framer must not have. Also checks that Write writes the same each time, that nothing is left over or discarded, and that Read
    /// keeps to what <see cref="IFramer"/> says.
    /// </summary>
    /// <param name="framer">The framer.</param>
    /// <param name="messages">The messages; good ones are the shortest, the longest and some that look like the framing itself.</param>
    /// <exception cref="FramerCheckException">Something differs; the message says what and where.</exception>
    /// <exception cref="ArgumentException">There is no message.</exception>
    public static void RoundTrip(IFramer framer, params IEnumerable<byte[]> messages)
    {
        ArgumentNullException.ThrowIfNull(framer);
        ArgumentNullException.ThrowIfNull(messages);
        byte[][] expected = [.. messages];
        if (expected.Length == 0)
        {
            throw new ArgumentException("Give at least one message.", nameof(messages));
        }

        var name = framer.GetType().Name;
        var frames = expected.Select((message, i) => Write(framer, message, $"{name}, message {i + 1}")).ToArray();
        var stream = frames.SelectMany(frame => frame).ToArray();

        Run(framer, $"{name}, all at once", expected, feed => feed.Feed(stream));
        Run(framer, $"{name}, byte by byte", expected, feed => Dribble(feed, frames));
        for (var i = 0; i < frames.Length; i++)
        {
            Cut(framer, $"{name}, message {i + 1}", frames[i..Math.Min(i + 2, frames.Length)], expected[i..Math.Min(i + 2, frames.Length)]);
        }
    }

    /// <summary>The same with messages as text, encoded in UTF-8.</summary>
    /// <param name="framer">The framer.</param>
    /// <param name="messages">The messages.</param>
    /// <exception cref="FramerCheckException">Something differs; the message says what and where.</exception>
    /// <exception cref="ArgumentException">There is no message.</exception>
    public static void RoundTrip(IFramer framer, params IEnumerable<string> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        RoundTrip(framer, messages.Select(Encoding.UTF8.GetBytes));
    }

    private static byte[] Write(IFramer framer, byte[] message, string where)
    {
        var output = new TightWriter();
        int length;
        try
        {
            framer.Write(message, output);
            length = output.Written.Length;
            framer.Write(message, output);
        }
        catch (FramerContractException e)
        {
            throw new FramerCheckException($"{where}: {e.Message}", e);
        }
        catch (Exception e)
        {
            throw new FramerCheckException($"{where}: Write threw {e.GetType().Name}: {e.Message}", e);
        }

        var written = output.Written;
        if (length == 0)
        {
            throw new FramerCheckException($"{where}: Write wrote nothing, so the other end cannot see the message");
        }

        if (!written[..length].SequenceEqual(written[length..]))
        {
            throw new FramerCheckException($"{where}: Write wrote {Show(written[..length])} first and {Show(written[length..])} the second time; a framer keeps no state");
        }

        return written[..length].ToArray();
    }

    private static void Cut(IFramer framer, string where, byte[][] frames, byte[][] expected)
    {
        var window = frames.SelectMany(frame => frame).ToArray();
        foreach (var cut in Cuts(frames[0].Length))
        {
            Run(framer, $"{where}, cut after byte {cut} of {frames[0].Length}", expected, feed =>
            {
                feed.Feed(window.AsSpan(0, cut));
                feed.DescribeIncomplete();
                feed.Feed(window.AsSpan(cut));
            });
        }

        var half = (frames[0].Length + 1) / 2;
        Run(framer, $"{where}, while another connection reads a whole one", expected, feed =>
        {
            feed.Feed(window.AsSpan(0, half));
            Run(framer, $"{where}, on another connection in between", expected, other => other.Feed(window));
            feed.Feed(window.AsSpan(half));
        });
    }

    private static IEnumerable<int> Cuts(int length)
    {
        var step = Math.Max(1, length / SpreadCuts);
        for (var cut = 1; cut <= length; cut++)
        {
            if (length <= EveryCut || cut <= CutsAtEnds || cut >= length - CutsAtEnds || cut % step == 0)
            {
                yield return cut;
            }
        }
    }

    private static void Dribble(FrameFeed feed, byte[][] frames)
    {
        foreach (var frame in frames)
        {
            for (var at = 0; at < frame.Length;)
            {
                var count = at < OneByOne ? 1 : Math.Min(Piece, frame.Length - at);
                feed.Feed(frame.AsSpan(at, count));
                at += count;
            }
        }
    }

    private static void Run(IFramer framer, string where, byte[][] expected, Action<FrameFeed> send)
    {
        var feed = new FrameFeed(framer);
        string? left;
        try
        {
            send(feed);
            left = feed.DescribeIncomplete();
        }
        catch (FramerContractException e)
        {
            throw new FramerCheckException($"{where}: {e.Message}", e);
        }
        catch (Exception e) when (e is not FramerCheckException)
        {
            throw new FramerCheckException($"{where}: the framer threw {e.GetType().Name}: {e.Message}", e);
        }

        for (var i = 0; i < Math.Min(expected.Length, feed.Messages.Count); i++)
        {
            if (!expected[i].AsSpan().SequenceEqual(feed.Messages[i]))
            {
                throw new FramerCheckException($"{where}: message {i + 1} of {expected.Length} should be {Show(expected[i])}, but Read gave {Show(feed.Messages[i])}");
            }
        }

        var problem =
            feed.Discarded > 0 ? $"Read discarded {FrameOutput.Bytes(feed.Discarded)} that Write had written"
            : feed.Messages.Count != expected.Length ? $"{expected.Length} messages were written, but Read gave {feed.Messages.Count}" + (left is null ? "" : $" and waits with {left}")
            : left is not null ? $"all messages are there, but bytes are left over: {left}"
            : null;
        if (problem is not null)
        {
            throw new FramerCheckException($"{where}: {problem}");
        }
    }

    private static string Show(ReadOnlySpan<byte> bytes) =>
        bytes.Length <= 32 ? $"{FrameOutput.Bytes(bytes.Length)} [{Convert.ToHexString(bytes)}]" : $"{FrameOutput.Bytes(bytes.Length)} [{Convert.ToHexString(bytes[..32])}...]";

    /// <summary>Gives out just as much as was asked for, filled with rubbish: finds writers that rely on more room, or on zeros.</summary>
    private sealed class TightWriter : IBufferWriter<byte>
    {
        private readonly ArrayBufferWriter<byte> _written = new();
        private byte[] _piece = [];

        internal ReadOnlySpan<byte> Written => _written.WrittenSpan;

        public void Advance(int count)
        {
            if (count < 0 || count > _piece.Length)
            {
                throw new FramerContractException($"Write advanced by {count} bytes, but had asked for {_piece.Length}");
            }

            _written.Write(_piece.AsSpan(0, count));
            _piece = [];
        }

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
            _piece = new byte[Math.Max(1, sizeHint)];
            _piece.AsSpan().Fill(0xA5);
            return _piece;
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}

/// <summary>A framer does not give back what it wrote, or breaks its contract; the message says what and where.</summary>
public sealed class FramerCheckException : Exception
{
    /// <summary>Makes one with a message and what caused it.</summary>
    /// <param name="message">What differs.</param>
    /// <param name="innerException">What the framer threw, or null.</param>
    public FramerCheckException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
