using System.Net;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Tests.Driving;

public class PollerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tells_what_is_ready_reads_it_and_tells_the_end(bool portable)
    {
        if (!portable && !OperatingSystem.IsLinux())
        {
            // Only Linux has the other one; there Create must give this one.
            portable = true;
            Poller.Create().Should().BeOfType<SelectPoller>();
        }

        using Poller poller = portable ? new SelectPoller() : new EpollPoller();
        using var server = new RawServer(socket =>
        {
            var four = new byte[4];
            socket.Receive(four);
            socket.Send(four);
            socket.Receive(four);
        });
        using var link = Link.Connect(new IPEndPoint(IPAddress.Loopback, server.EndPoint.Port), 0);
        poller.Add(link);
        var buffer = new byte[16];

        poller.Receive(link, buffer).Should().Be(Poller.WouldBlock);
        poller.Send(link, [1, 2, 3, 4]).Should().Be(4);
        WaitForReading(poller, link);
        poller.Receive(link, buffer).Should().Be(4);
        buffer[..4].Should().Equal(1, 2, 3, 4);
        poller.Send(link, [5]).Should().Be(1);
        WaitForReading(poller, link);
        poller.Receive(link, buffer).Should().Be(0);
        poller.Remove(link);
        poller.Wait(new Ready[1], 1).Should().Be(0);
    }

    private static void WaitForReading(Poller poller, Link link)
    {
        var ready = new Ready[1];
        for (var tries = 0; tries < 100; tries++)
        {
            if (poller.Wait(ready, 100) == 1 && ready[0].Read)
            {
                ready[0].Link.Should().BeSameAs(link);
                return;
            }
        }

        throw new TimeoutException("Nothing became readable.");
    }
}
