using System.Diagnostics;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>Decides which flushes of one writer wait for those that follow, and who ends the wait. Guarded by the writer's lock; what it
/// asks for is done outside of it.</summary>
/// <remarks>
/// Two kinds of flushes wait.
/// <para>What the reader's continuation flushes with input left waits for the end of that continuation, which may block before. On an
/// engine's own thread a turn in the engine's queue ends the wait then: another thread takes the queue over
/// within 20 ms. On a thread of the pool a turn would come at once, so the clock asks for one when the flush has waited for too
/// long.</para>
/// <para>What is flushed elsewhere, as the responses of HTTP/2 are, waits for a work item of the pool, behind the others that produce
/// responses; but only while flushes come close together, and behind a gathering that more than one had waited in, however long
/// ago. The clock watches here too, as handlers may block the pool.</para>
/// </remarks>
internal struct HoldBack
{
    /// <summary>Milliseconds that a flush waits at least before a tick ends it; with the ticks' interval, 150 at most.</summary>
    private const int Patience = 50;

    /// <summary>Flushes that follow each other within 20 us come together. One request at a time leaves more between them.</summary>
    private static readonly long Together = Stopwatch.Frequency / 50_000;

    private bool _holdsReader;
    private bool _holdsOthers;
    private long _since;

    /// <summary>The reader's continuation was found to block: what it still flushes goes out by itself.</summary>
    private bool _lifted;

    // What has been asked for and has not come.
    private bool _turn;
    private bool _item;
    private bool _ticks;

    // Of flushes elsewhere: when the last one came; that they come together; how many wait.
    private long _last;
    private bool _gathers;
    private int _gathered;

    /// <summary>What has to be done for a flush.</summary>
    [Flags]
    public enum Choice
    {
        /// <summary>It goes out at once.</summary>
        Send = 0,

        /// <summary>It waits.</summary>
        Wait = 1,

        /// <summary>A turn in the engine's queue has to be asked for, in which <see cref="Turn"/> is called.</summary>
        Turn = 2,

        /// <summary>A work item of the pool has to be queued, in which <see cref="Item"/> is called.</summary>
        Item = 4,

        /// <summary>The clock has to watch, and to call <see cref="Tick"/>.</summary>
        Ticks = 8,
    }

    /// <summary>The end of the reader's continuation is to be told. Also read without the lock, by the thread that flushes in
    /// there.</summary>
    public readonly bool WaitsForEnd => _holdsReader || _lifted;

    private readonly bool Holds => _holdsReader || _holdsOthers;

    /// <summary>One flush, while nobody sends.</summary>
    /// <param name="place">Where it comes from.</param>
    /// <param name="now">By <see cref="Stopwatch"/>; of flushes elsewhere alone.</param>
    public Choice Choose(FlushPlace place, long now)
    {
        switch (place)
        {
            case FlushPlace.InputGoesOn when !_lifted:
                Hold(ref _holdsReader);
                return Thread.CurrentThread.IsThreadPoolThread ? Ask(ref _ticks, Choice.Ticks) : Ask(ref _turn, Choice.Turn);
            case FlushPlace.Elsewhere when Gathers(now):
                Hold(ref _holdsOthers);
                _gathered++;
                return Ask(ref _item, Choice.Item) | Ask(ref _ticks, Choice.Ticks);
            default:
                return Choice.Send;
        }
    }

    /// <summary>One flush, while somebody sends, who takes it too. Where flushes come close together it is complete at once: else each
    /// would wait for a send, and the send behind that would carry it alone.</summary>
    /// <param name="place">Where it comes from.</param>
    /// <param name="now">By <see cref="Stopwatch"/>; of flushes elsewhere alone.</param>
    public Choice Join(FlushPlace place, long now) => place == FlushPlace.Elsewhere && Gathers(now) ? Choice.Wait : Choice.Send;

    /// <summary>The reader's continuation is over, or waits.</summary>
    public void End()
    {
        _holdsReader = false;
        _lifted = false;
    }

    /// <summary>The turn has come. While the reader's continuation holds something back, that means that it blocks.</summary>
    public void Turn()
    {
        _turn = false;
        _lifted |= _holdsReader;
        Forget();
    }

    /// <summary>The work item runs.</summary>
    public void Item()
    {
        _item = false;
        _gathers = _gathered > 1;
        _gathered = 0;
        _holdsOthers = false;
    }

    /// <summary>A tick of the clock.</summary>
    /// <param name="now">By <see cref="Environment.TickCount64"/>.</param>
    /// <param name="asksForTurn">Something has waited for too long: a turn has to be asked for.</param>
    /// <returns>False: nothing waits, and no more ticks are wanted.</returns>
    public bool Tick(long now, out bool asksForTurn)
    {
        _ticks = Holds;
        asksForTurn = _ticks && now - _since >= Patience && Ask(ref _turn, Choice.Turn) != Choice.Wait;
        return _ticks;
    }

    /// <summary>All that waits is being sent.</summary>
    public void Forget()
    {
        _holdsReader = false;
        _holdsOthers = false;
    }

    private void Hold(ref bool kind)
    {
        if (!Holds)
        {
            _since = Environment.TickCount64;
        }

        kind = true;
    }

    private static Choice Ask(ref bool asked, Choice what)
    {
        var before = asked;
        asked = true;
        return before ? Choice.Wait : Choice.Wait | what;
    }

    private bool Gathers(long now)
    {
        _gathers |= now - _last < Together;
        _last = now;
        return _gathers;
    }
}
