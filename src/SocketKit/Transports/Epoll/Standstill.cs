namespace SocketKit.Transports.Epoll;

/// <summary>Tells from looks at a loop's word whether the dispatch that it shows blocks.</summary>
internal struct Standstill
{
    private long _seen;
    private bool _doubted;

    public Standstill() => _seen = -1;

    /// <summary>One look.</summary>
    /// <param name="word">The loop's.</param>
    /// <param name="isLate">So much time has passed since the last look that the loop's thread may have had no processor either: its
    /// standing says nothing, once. A machine that is always busy makes every look late, and there are handlers that block on it
    /// too.</param>
    /// <param name="isBusy">The loop has moved since the last look, or is in a dispatch.</param>
    /// <returns>True: the dispatch has not moved since the last look that counts.</returns>
    public bool Look(long word, bool isLate, out bool isBusy)
    {
        var stands = word == _seen && LoopState.IsInDispatch(word);
        var blocks = stands && (!isLate || _doubted);
        isBusy = word != _seen || LoopState.IsInDispatch(word);
        _seen = word;
        _doubted = stands;
        return blocks;
    }

    /// <summary>The word of the last look.</summary>
    public readonly long Seen => _seen;
}
