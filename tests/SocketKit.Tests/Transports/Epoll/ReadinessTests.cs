using SocketKit.Transports.Epoll;

namespace SocketKit.Tests.Transports.Epoll;

public class ReadinessTests
{
    [Fact]
    public void Who_signals_gets_the_parked_operation_once()
    {
        var readiness = new Readiness(ready: false);
        readiness.TryPark().Should().BeTrue();

        readiness.Signal(Readiness.Ready).Should().BeTrue();
        readiness.Signal(Readiness.Ready).Should().BeFalse();
        readiness.TryPark().Should().BeFalse("there is news");
        readiness.Clear();
        readiness.TryPark().Should().BeTrue();
    }

    [Fact]
    public void A_hang_up_stays_until_the_kernel_denies_it_and_while_it_stays_nobody_parks()
    {
        var readiness = new Readiness(ready: false);
        readiness.Signal(Readiness.Ready | Readiness.HungUp).Should().BeFalse();
        readiness.Clear();

        readiness.MayCall.Should().BeTrue();
        readiness.TryPark().Should().BeFalse();
        readiness.ForgetHangUp();
        readiness.MayCall.Should().BeFalse();
        readiness.TryPark().Should().BeTrue();
    }

    [Fact]
    public void News_that_came_after_the_kernel_was_asked_is_not_forgotten_with_a_hang_up()
    {
        var readiness = new Readiness(ready: false);
        readiness.Signal(Readiness.Ready | Readiness.HungUp);
        readiness.Clear();
        readiness.Signal(Readiness.Ready);

        readiness.ForgetHangUp();

        readiness.MayCall.Should().BeTrue();
        readiness.TryPark().Should().BeFalse();
    }

    // A kernel in small: two threads deliver bytes, each with an edge; the owner asks for them and parks when there are none. Whoever
    // claims a parked operation goes on with it, as the owner does.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_wake_up_is_lost_and_no_parked_operation_is_completed_twice(bool hangsUp)
    {
        const int perThread = 30_000;
        var readiness = new Readiness(ready: false);
        var kernel = 0;
        var received = 0;
        var claims = 0;
        var parks = 0;
        var inside = 0;

        // The operation: exactly one thread is in here at a time.
        void Receive()
        {
            Interlocked.Increment(ref inside).Should().Be(1);
            do
            {
                while (readiness.MayCall)
                {
                    var hungUp = readiness.IsHungUp;
                    readiness.Clear();
                    Pauses.Pause();
                    var got = Interlocked.Exchange(ref kernel, 0);
                    Pauses.Pause();
                    received += got;
                    if (got == 0 && hungUp)
                    {
                        readiness.ForgetHangUp();
                    }
                }

                Interlocked.Decrement(ref inside);
                Interlocked.Increment(ref parks);
                if (readiness.TryPark())
                {
                    return;
                }

                Interlocked.Decrement(ref parks);
                Interlocked.Increment(ref inside).Should().Be(1);
            }
            while (true);
        }

        void Deliver()
        {
            var random = new Random(3);
            for (var i = 0; i < perThread; i++)
            {
                Interlocked.Increment(ref kernel);
                Pauses.Pause();
                if (readiness.Signal(hangsUp && random.Next(3) == 0 ? Readiness.Ready | Readiness.HungUp : Readiness.Ready))
                {
                    Interlocked.Increment(ref claims);
                    Receive();
                }

                // No later edge makes up for one that is lost here.
                if (random.Next(2) == 0)
                {
                    Pauses.Until(() => Volatile.Read(ref kernel) == 0, "something is in the kernel, and nobody comes for it");
                }
            }
        }

        Receive();
        await Pauses.RunAsync(Deliver, Deliver);

        received.Should().Be(2 * perThread);
        kernel.Should().Be(0);
        (parks - claims).Should().Be(1, "it is parked at the end, and each earlier park was claimed once");
    }
}
