using System.Diagnostics;

namespace SocketKit.Load.Driving;

/// <summary>Open loop: when each message is due, whatever became of those before it. The links take turns.</summary>
/// <param name="start">When the first message is due, as a <see cref="Stopwatch"/> timestamp.</param>
/// <param name="perSecond">Messages per second over all links.</param>
internal sealed class Schedule(long start, double perSecond, int links)
{
    private readonly double _period = Stopwatch.Frequency / perSecond;

    public long DueAt(long message) => start + (long)(message * _period);

    /// <summary>The place of the link that a message belongs to.</summary>
    public int PlaceOf(long message) => (int)(message % links);

    /// <summary>The number over all links of a link's own n-th message.</summary>
    public long MessageOf(int place, long number) => (number * links) + place;
}
