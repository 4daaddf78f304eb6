using System.Runtime.CompilerServices;

namespace SocketKit.AspNetCore.Pipes;

// Flushes that wait for those that follow. Whoever ends the wait takes them under the lock, with the role of the one who sends, and sends
// outside of it. Who sends already takes them too.
internal sealed partial class TransportPipeWriter : IThreadPoolWorkItem
{
    private readonly Action _turn;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _yield;
    private HoldBack _hold;

    /// <summary>Sends what the reader's continuation has held back, if anything. Called on the thread that held it back, at each wait for
    /// input and at the continuation's end.</summary>
    public void SendHeld()
    {
        if (!_hold.WaitsForEnd)
        {
            return;
        }

        lock (_lock)
        {
            _hold.End();
            if (!TryTakeHeldLocked())
            {
                return;
            }
        }

        Begin();
    }

    /// <summary>The end of a gathering.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        lock (_lock)
        {
            _hold.Item();
            if (!TryTakeHeldLocked())
            {
                return;
            }
        }

        Begin();
    }

    /// <summary>A tick of the clock, which sends nothing itself.</summary>
    /// <returns>False: nothing waits, and no more ticks are wanted.</returns>
    internal bool Tick(long now)
    {
        bool goesOn, asksForTurn;
        lock (_lock)
        {
            goesOn = _hold.Tick(now, out asksForTurn);
        }

        if (asksForTurn)
        {
            AskForTurn();
        }

        return goesOn;
    }

    /// <summary>Outside the lock: who will end the wait of a flush.</summary>
    private void Arrange(HoldBack.Choice choice)
    {
        if ((choice & HoldBack.Choice.Turn) != 0)
        {
            AskForTurn();
        }

        if ((choice & HoldBack.Choice.Item) != 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        if ((choice & HoldBack.Choice.Ticks) != 0)
        {
            FlushClock.Watch(this);
        }
    }

#pragma warning disable CA2012 // The value task is taken apart into its awaiter, which is asked once.
    private void AskForTurn()
    {
        _yield = _transport.YieldAsync().ConfigureAwait(false).GetAwaiter();
        _yield.UnsafeOnCompleted(_turn);
    }
#pragma warning restore CA2012

    private void Turn()
    {
        _yield.GetResult();
        lock (_lock)
        {
            _hold.Turn();
            if (!TryTakeHeldLocked())
            {
                return;
            }
        }

        Begin();
    }

    /// <returns>False: nothing waits, or somebody sends, who then sends it too.</returns>
    private bool TryTakeHeldLocked() => _buffer.Unsent != 0 && TryClaimLocked();
}
