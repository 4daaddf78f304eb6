namespace SocketKit.Clock;

/// <summary>What a clock ticks: a connection. All but <see cref="Holdings"/> is called on the clock's thread.</summary>
internal interface ITicked
{
    /// <summary>The clock gives it before the first tick.</summary>
    ClockPlace ClockPlace { get; set; }

    /// <summary>What it holds, for gauges. From any thread.</summary>
    (long QueuedBytes, int Buffers) Holdings { get; }

    /// <summary>What a call that holds the clock up is in, for people.</summary>
    string HoldsClockUp { get; }

    /// <summary>One tick of the clock.</summary>
    /// <param name="now">Monotonic time, for deadlines.</param>
    /// <param name="alive">The liveness clock: leaves out time in which the process did not run.</param>
    /// <param name="step">How far the liveness clock has moved since the last tick.</param>
    void Tick(long now, long alive, long step);

    /// <summary>One tick while an earlier one has not come back.</summary>
    /// <param name="now">Monotonic time, for deadlines.</param>
    void TickLeftOut(long now);

    /// <summary>A tick has thrown.</summary>
    void TickFailed(Exception exception);

    /// <summary>An earlier tick has not come back for long.</summary>
    /// <param name="what">What it is in, for people.</param>
    void TellHeldUp(string what);
}
