namespace SocketKit.Connections;

/// <summary>
/// Whether the peer takes what is sent to it: some byte within the limit, and, from the second limit on, so many bytes a second on average.
/// Made when a tick first finds a send under way. Used only by the clock.
/// </summary>
internal sealed class SlowConsumerWatch
{
    public const int LeastBytesPerSecond = 240;

    private bool _isFirstWindow;
    private long _sentAtLastTick;
    private long _lastTaken;
    private long _windowBegan;
    private long _sentAtBeginOfWindow;

    /// <summary>The last tick found a send under way.</summary>
    public bool IsSending { get; private set; }

    /// <summary>A tick finds no send under way.</summary>
    public void Rest() => IsSending = false;

    /// <summary>A tick finds a send under way.</summary>
    /// <param name="sent">How far the peer is: grows with the bytes that it takes.</param>
    /// <param name="alive">The liveness clock, in ticks of 100 ns.</param>
    /// <param name="limit">How long it may take nothing, in the same.</param>
    /// <returns>True: it does not take enough.</returns>
    public bool IsTooSlow(long sent, long alive, long limit)
    {
        if (!IsSending)
        {
            IsSending = _isFirstWindow = true;
            _sentAtLastTick = _sentAtBeginOfWindow = sent;
            _lastTaken = _windowBegan = alive;
            return false;
        }

        if (sent != _sentAtLastTick)
        {
            _sentAtLastTick = sent;
            _lastTaken = alive;
        }

        var isSlow = alive - _lastTaken >= limit;
        if (alive - _windowBegan >= limit)
        {
            isSlow |= !_isFirstWindow && sent - _sentAtBeginOfWindow < LeastBytesPerSecond * (limit / (double)TimeSpan.TicksPerSecond);
            _isFirstWindow = false;
            _windowBegan = alive;
            _sentAtBeginOfWindow = sent;
        }

        return isSlow;
    }
}
