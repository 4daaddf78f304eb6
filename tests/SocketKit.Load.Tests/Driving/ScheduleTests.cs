using System.Diagnostics;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Tests.Driving;

public class ScheduleTests
{
    [Fact]
    public void Messages_are_due_at_the_rate_whatever_happened_before()
    {
        var schedule = new Schedule(start: 1_000, perSecond: 10_000, links: 64);

        schedule.DueAt(0).Should().Be(1_000);
        schedule.DueAt(1).Should().Be(1_000 + (Stopwatch.Frequency / 10_000));
        schedule.DueAt(10_000).Should().Be(1_000 + Stopwatch.Frequency);
    }

    [Fact]
    public void A_reply_finds_the_message_that_its_link_sent()
    {
        var schedule = new Schedule(start: 0, perSecond: 7, links: 5);
        var sent = new long[5];
        for (var message = 0L; message < 100; message++)
        {
            var place = schedule.PlaceOf(message);

            schedule.MessageOf(place, sent[place]++).Should().Be(message);
        }

        sent.Should().AllBeEquivalentTo(20L);
    }
}
