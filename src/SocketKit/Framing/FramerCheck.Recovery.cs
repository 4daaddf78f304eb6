using System.Text;
using SocketKit.Framing;

namespace SocketKit;

// What comes behind a damaged frame.
public static partial class FramerCheck
{
    private const int GoodBefore = 2;
    private const int GoodBehind = 20;

    // Each damage is a run over some twenty frames, so a long frame is damaged near its ends and at a few places between.
    private const int EveryPlace = 64;
    private const int PlacesAtEnds = 24;
    private const int SpreadPlaces = 16;

    /// <summary>
    /// Damages one frame among good ones and looks whether the framer finds its way back: each message in turn, at every byte (a frame over
    /// 64 bytes: at about sixty places): the byte is lost, is changed, has a stray byte in front of it (each value that occurs in the
    /// frame), the frame is cut off before it, or begins with it. The messages before must come; of the twenty behind, all but the first
    /// few. What the damaged frame itself gives is not looked at: only a checksum could tell. Where the framer refuses the bytes with a
    /// <see cref="FramingException"/> the connection would close, and nothing more is looked at.
    /// </summary>
    /// <remarks>
    /// Not for framers that cannot find their way back by nature, such as a length in front, a fixed size or raw bytes: after a lost byte
    /// they take everything that follows for something else, so a connection with such a framer needs a wire that loses nothing, as TCP is.
    /// </remarks>
    /// <param name="framer">The framer.</param>
    /// <param name="mayLose">How many good messages directly behind the damaged one may be lost: 0 for frames with a begin and an end that
    /// do not overlap themselves, 1 for lines and other frames with an end alone, because without it two frames become one.</param>
    /// <param name="messages">The messages; at least two different ones that are not empty find most.</param>
    /// <exception cref="FramerCheckException">A good message is lost; the message says by which damage.</exception>
    /// <exception cref="ArgumentException">There is no message, or <paramref name="mayLose"/> is outside of 0 to 19.</exception>
    public static void Recovery(IFramer framer, int mayLose, params IEnumerable<byte[]> messages)
    {
        ArgumentNullException.ThrowIfNull(framer);
        ArgumentOutOfRangeException.ThrowIfNegative(mayLose);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(mayLose, GoodBehind);
        ArgumentNullException.ThrowIfNull(messages);
        byte[][] good = [.. messages];
        if (good.Length == 0)
        {
            throw new ArgumentException("Give at least one message.", nameof(messages));
        }

        var name = framer.GetType().Name;
        var frames = good.Select((message, i) => Write(framer, message, $"{name}, message {i + 1}")).ToArray();
        for (var i = 0; i < frames.Length; i++)
        {
            foreach (var (damaged, how) in Damages(frames[i]))
            {
                Recover(framer, $"{name}, message {i + 1} of {FrameOutput.Bytes(frames[i].Length)} {how}", good, frames, damaged, next: i + 1, mayLose);
            }
        }
    }

    /// <summary>The same with messages as text, encoded in UTF-8.</summary>
    /// <param name="framer">The framer.</param>
    /// <param name="mayLose">How many good messages directly behind the damaged one may be lost.</param>
    /// <param name="messages">The messages.</param>
    /// <exception cref="FramerCheckException">A good message is lost; the message says by which damage.</exception>
    /// <exception cref="ArgumentException">There is no message, or <paramref name="mayLose"/> is outside of 0 to 19.</exception>
    public static void Recovery(IFramer framer, int mayLose, params IEnumerable<string> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        Recovery(framer, mayLose, messages.Select(Encoding.UTF8.GetBytes));
    }

    private static void Recover(IFramer framer, string where, byte[][] good, byte[][] frames, byte[] damaged, int next, int mayLose)
    {
        int[] behind = [.. Enumerable.Range(next, GoodBehind).Select(i => i % good.Length)];
        int[] before = [.. Enumerable.Range(next, GoodBefore).Select(i => i % good.Length)];
        var feed = new FrameFeed(framer);
        try
        {
            foreach (var i in before)
            {
                feed.Feed(frames[i]);
            }

            feed.Feed(damaged);
            foreach (var i in behind)
            {
                feed.Feed(frames[i]);
            }
        }
        catch (FramerContractException e)
        {
            throw new FramerCheckException($"{where}: {e.Message}", e);
        }
        catch (FramingException)
        {
            // The connection closes and the peer is told: nothing is taken for something else.
            return;
        }
        catch (Exception e)
        {
            throw new FramerCheckException($"{where}: the framer threw {e.GetType().Name}: {e.Message}", e);
        }

        if (feed.Messages.Count < GoodBefore || before.Index().Any(it => !feed.Messages[it.Index].AsSpan().SequenceEqual(good[it.Item])))
        {
            throw new FramerCheckException($"{where}: of the {GoodBefore} good messages before it not all came");
        }

        var came = 0;
        while (came < GoodBehind && came < feed.Messages.Count - GoodBefore && feed.Messages[^(came + 1)].AsSpan().SequenceEqual(good[behind[^(came + 1)]]))
        {
            came++;
        }

        if (came < GoodBehind - mayLose)
        {
            throw new FramerCheckException($"{where}: of the {GoodBehind} good messages behind it the last {came} came, where all but {mayLose} should");
        }
    }

    private static IEnumerable<(byte[] Damaged, string How)> Damages(byte[] frame)
    {
        var values = frame.Distinct().Take(EveryPlace).ToArray();
        foreach (var place in Places(frame.Length))
        {
            byte[] front = frame[..place], rest = frame[(place + 1)..];
            yield return ([.. front, .. rest], $"without byte {place}");
            yield return ([.. front, (byte)(frame[place] ^ 0x15), .. rest], $"with byte {place} changed to {frame[place] ^ 0x15:X2}");
            yield return (front, $"cut off before byte {place}");
            yield return (frame[place..], $"from byte {place} on");
            foreach (var value in values)
            {
                yield return ([.. front, value, .. frame[place..]], $"with a stray {value:X2} before byte {place}");
            }
        }
    }

    private static IEnumerable<int> Places(int length)
    {
        var step = Math.Max(1, length / SpreadPlaces);
        for (var place = 0; place < length; place++)
        {
            if (length <= EveryPlace || place < PlacesAtEnds || place >= length - PlacesAtEnds || place % step == 0)
            {
                yield return place;
            }
        }
    }
}
