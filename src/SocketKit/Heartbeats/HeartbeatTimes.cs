using System.Runtime.CompilerServices;
using System.Text;

namespace SocketKit.Heartbeats;

/// <summary>What the policies share: checks of their arguments, and arithmetic in which infinite is a time.</summary>
internal static class HeartbeatTimes
{
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    // Half a surrogate pair throws instead of becoming another text.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Checks the two, and makes the default of the one not given suit the other.</summary>
    public static (TimeSpan Interval, TimeSpan Timeout) Check(TimeSpan? interval, TimeSpan? timeout)
    {
        CheckRange(interval, nameof(interval));
        CheckRange(timeout, nameof(timeout));
        var checkedInterval = interval ?? (timeout is null || timeout == Timeout.InfiniteTimeSpan ? DefaultInterval : Earlier(DefaultInterval, timeout.Value / 3));
        var checkedTimeout = timeout ?? (checkedInterval == Timeout.InfiniteTimeSpan ? DefaultTimeout : 3 * checkedInterval);
        if (checkedInterval != Timeout.InfiniteTimeSpan && checkedTimeout != Timeout.InfiniteTimeSpan && checkedTimeout <= checkedInterval)
        {
            throw new ArgumentOutOfRangeException(
                nameof(timeout), checkedTimeout, $"The time-out must be longer than the interval ({checkedInterval}); two to three intervals are sound.");
        }

        return (checkedInterval, checkedTimeout);
    }

    public static byte[] Encode(string payload, [CallerArgumentExpression(nameof(payload))] string? name = null)
    {
        ArgumentNullException.ThrowIfNull(payload, name);
        return Utf8.GetBytes(payload);
    }

    /// <summary>What is left of a time; <see cref="TimeSpan.MaxValue"/> when it is infinite.</summary>
    public static TimeSpan Left(TimeSpan whole, TimeSpan passed) => whole == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : whole - passed;

    /// <summary>The earlier of two times.</summary>
    public static TimeSpan Earlier(TimeSpan one, TimeSpan other) => one < other ? one : other;

    /// <summary>
    /// When to ask again: at the earlier of two times, and at least every 10 s, so that a flood of heartbeats is noticed.
    /// </summary>
    public static TimeSpan Due(TimeSpan one, TimeSpan other) => Earlier(Earlier(one, other), LongestWait);

    private static void CheckRange(TimeSpan? value, string name)
    {
        if (value != Timeout.InfiniteTimeSpan && (value < Shortest || value > Longest))
        {
            throw new ArgumentOutOfRangeException(name, value, "Give 100 ms to 1 day, or Timeout.InfiniteTimeSpan.");
        }
    }
}
