namespace SocketKit.Heartbeats;

/// <summary>
/// How many heartbeats a second a peer sends, which no application sees: the mean of at least 5 s, so that what piled up while nobody read
/// is no flood. One for each connection, so it is small.
/// </summary>
internal struct BeatRate
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);

    private long _began;

    // Only differences count, so it may wrap.
    private uint _beats;

    /// <summary>The mean of the last stretch; zero before the first.</summary>
    public float PerSecond { get; private set; }

    /// <summary>Called before each decision: ends the stretch, if it is long enough, and begins the next.</summary>
    /// <param name="received">How many heartbeats came in all.</param>
    /// <param name="sinceOpened">Time since the connection was opened.</param>
    public float Note(long received, TimeSpan sinceOpened)
    {
        var elapsed = sinceOpened - new TimeSpan(_began);
        if (elapsed >= Window)
        {
            PerSecond = (float)(unchecked((uint)received - _beats) / elapsed.TotalSeconds);
            _began = sinceOpened.Ticks;
            _beats = unchecked((uint)received);
        }

        return PerSecond;
    }
}
