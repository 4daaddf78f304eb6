using SocketKit.Transports.Epoll;

namespace SocketKit.Tests.Transports.Epoll;

public class StandstillTests
{
    private Standstill _standstill = new();

    [Fact]
    public void A_dispatch_that_two_looks_find_the_same_blocks()
    {
        Look(InDispatch(1)).Should().Be((false, true));
        Look(InDispatch(1)).Should().Be((true, true));
        Look(InDispatch(1)).Should().Be((true, true), "nobody has taken the loop over");
    }

    [Fact]
    public void A_loop_that_moves_or_rests_does_not_block()
    {
        Look(InDispatch(1)).Should().Be((false, true));
        Look(InDispatch(2)).Should().Be((false, true));
        Look(AtRest(2)).Should().Be((false, true));
        Look(AtRest(2)).Should().Be((false, false));
        _standstill.Seen.Should().Be(AtRest(2));
    }

    [Fact]
    public void A_late_look_says_nothing_once()
    {
        Look(InDispatch(1));

        Look(InDispatch(1), isLate: true).Should().Be((false, true));
        Look(InDispatch(2), isLate: true).Should().Be((false, true));
        Look(InDispatch(2), isLate: true).Should().Be((false, true));
        Look(InDispatch(2), isLate: true).Should().Be((true, true), "or nobody would help on a machine where every look is late");
    }

    [Fact]
    public void After_a_late_look_the_next_one_in_time_counts()
    {
        Look(InDispatch(1), isLate: true);
        Look(InDispatch(1)).Should().Be((true, true));
    }

    private static long InDispatch(int count) => ((long)count << 8) | 1;

    private static long AtRest(int count) => (long)count << 8;

    private (bool Blocks, bool IsBusy) Look(long word, bool isLate = false) => (_standstill.Look(word, isLate, out var isBusy), isBusy);
}
