namespace SocketKit;

/// <summary>
/// What one request wants other than by default; see <see cref="IMessageSender.RequestAsync"/>. The default value: answered in order,
/// within <see cref="ProtocolOptions.RequestTimeout"/>.
/// </summary>
public readonly record struct RequestOptions
{
    /// <summary>
    /// The id that <see cref="ProtocolOptions.ReadCorrelationId"/> will find in the response, unused by any other pending request of the
    /// connection, and by any whose response may still come late. Any number is one, zero and negative numbers too. Default: null; the response is the next message that counts as an
    /// answer, in order.
    /// </summary>
    public long? CorrelationId { get; init; }

    /// <summary>
    /// How long this request waits for its response, from when it is handed to a connection. Default: null, as
    /// <see cref="ProtocolOptions.RequestTimeout"/> says. Above zero, at most <see cref="int.MaxValue"/> milliseconds (24.8 days), or
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>: until the response comes, the connection ends, or the caller cancels. Kept
    /// to within 100 ms. In order, a request without time-out that is canceled keeps its place until its response comes, however late.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is out of range.</exception>
    public TimeSpan? Timeout
    {
        get;
        init
        {
            if (value is { } timeout && timeout != System.Threading.Timeout.InfiniteTimeSpan)
            {
                ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero, nameof(Timeout));
                ArgumentOutOfRangeException.ThrowIfGreaterThan(timeout, TimeSpan.FromMilliseconds(int.MaxValue), nameof(Timeout));
            }

            field = value;
        }
    }
}
