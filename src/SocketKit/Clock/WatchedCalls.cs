using System.Diagnostics;

namespace SocketKit.Clock;

/// <summary>
/// The calls of user code that one thread makes one after the other, so that others see when one of them does not return, and go on in that
/// thread's place: it learns of that when it comes back.
/// </summary>
internal sealed class WatchedCalls
{
    /// <summary>In no call.</summary>
    public const int None = 0xffff;

    private const int TagBits = 16;
    private const long Taken = -1;

    /// <summary>The number of the call, and its tag.</summary>
    private long _word = None;

    /// <summary>The same, as the thread itself has written it.</summary>
    private long _mine = None;

    // Of whoever watches, one at a time.
    private long _seen = None;
    private long _since;
    private int _looks;

    /// <summary>The thread begins its next call, or is in none.</summary>
    /// <param name="tag">Says which call it is, below <see cref="None"/>; or <see cref="None"/>.</param>
    /// <returns>False: somebody has gone on in its place. It must not go on itself.</returns>
    public bool TryMove(int tag)
    {
        var next = (((_mine >> TagBits) + 1) << TagBits) | (uint)tag;
        if (Interlocked.CompareExchange(ref _word, next, _mine) != _mine)
        {
            return false;
        }

        _mine = next;
        return true;
    }

    /// <summary>One look at the call under way.</summary>
    /// <param name="looks">How many looks in a row must see the same call,</param>
    /// <param name="time">and for how long.</param>
    /// <returns>True: the call is held up.</returns>
    public bool IsHeldUp(int looks, TimeSpan time)
    {
        var word = Interlocked.Read(ref _word);
        if ((word & None) == None)
        {
            _seen = None;
            return false;
        }

        if (word != _seen)
        {
            _seen = word;
            _looks = 1;
            _since = Stopwatch.GetTimestamp();
            return looks <= 1 && time == TimeSpan.Zero;
        }

        return ++_looks >= looks && Stopwatch.GetElapsedTime(_since) >= time;
    }

    /// <summary>Goes on in the thread's place, unless it has come back since <see cref="IsHeldUp"/>.</summary>
    /// <param name="tag">The call that is held up.</param>
    public bool TryTakeOver(out int tag)
    {
        tag = (int)(_seen & None);
        return tag != None && Interlocked.CompareExchange(ref _word, Taken, _seen) == _seen;
    }
}
