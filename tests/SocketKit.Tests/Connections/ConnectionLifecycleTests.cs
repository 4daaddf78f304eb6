using SocketKit.Connections;

namespace SocketKit.Tests.Connections;

public class ConnectionLifecycleTests
{
    private static readonly CloseReason Reason = new(CloseKind.PeerClosed, ClosePhase.Draining, CloseParty.Peer, "first", null);

    /// <summary>Where a life can be. Each later one goes through the ones before.</summary>
    public enum Point
    {
        Opening,

        /// <summary>The server stops, and the handler is not there yet.</summary>
        DrainingUnopened,
        Open,
        Draining,
        Closing,
        Releasing,
        Released,
        LastCall,
    }

    public static TheoryData<Point> Points => [.. Enum.GetValues<Point>()];

    [Fact]
    public void A_new_life_is_opening_and_nothing_has_happened()
    {
        var life = default(ConnectionLifecycle);

        life.Phase.Should().Be(ClosePhase.Opening);
        life.Reason.Should().BeNull();
        life.IsClosing.Should().BeFalse();
        life.WasOpened.Should().BeFalse();
        life.IsDraining.Should().BeFalse();
        life.IsReleased.Should().BeFalse();
        life.IsAborted.Should().BeFalse();
        life.IsEnded.Should().BeFalse();
        life.IsReceiving.Should().BeFalse();
        life.IsInputEnded.Should().BeFalse();
        life.IsInputOver.Should().BeFalse();
        life.Receives.Should().Be(0);
    }

    // ---- Opening, Open, Draining ----

    [Theory]
    [MemberData(nameof(Points))]
    public void It_opens_only_before_a_cause_of_death(Point point)
    {
        var life = At(point);
        var wasOpened = life.WasOpened;

        life.TryOpen().Should().Be(point < Point.Closing);

        life.WasOpened.Should().Be(wasOpened || point < Point.Closing);
    }

    [Fact]
    public void A_life_that_is_closed_while_it_opens_was_never_open()
    {
        var life = default(ConnectionLifecycle);
        life.Close(Reason);

        life.TryOpen().Should().BeFalse();

        life.WasOpened.Should().BeFalse();
        life.IsClosing.Should().BeTrue();
    }

    [Fact]
    public void A_life_that_opens_during_a_stop_goes_on_draining()
    {
        var life = default(ConnectionLifecycle);
        life.BeginDrain();

        life.TryOpen().Should().BeTrue();

        life.WasOpened.Should().BeTrue();
        life.IsDraining.Should().BeTrue();
        life.Phase.Should().Be(ClosePhase.Draining);
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void A_stop_drains_what_is_alive_and_changes_nothing_afterwards(Point point)
    {
        var life = At(point);
        var reason = life.Reason;
        var isReleased = life.IsReleased;

        life.BeginDrain();

        life.IsDraining.Should().Be(point < Point.Closing);
        life.Reason.Should().Be(reason);
        life.IsReleased.Should().Be(isReleased);
    }

    // ---- Closing ----

    [Theory]
    [InlineData(Point.Opening, ClosePhase.Opening)]
    [InlineData(Point.DrainingUnopened, ClosePhase.Draining)]
    [InlineData(Point.Open, ClosePhase.Open)]
    [InlineData(Point.Draining, ClosePhase.Draining)]
    public void The_phase_says_when_a_cause_of_death_comes(Point point, ClosePhase expected) => At(point).Phase.Should().Be(expected);

    [Theory]
    [InlineData(Point.Opening)]
    [InlineData(Point.DrainingUnopened)]
    [InlineData(Point.Open)]
    [InlineData(Point.Draining)]
    public void The_first_cause_of_death_comes_at_any_time_and_keeps_its_phase(Point point)
    {
        var life = At(point);

        life.Close(Reason);

        life.Reason.Should().BeSameAs(Reason);
        life.IsClosing.Should().BeTrue();
        life.IsDraining.Should().BeFalse();
        life.Phase.Should().Be(Reason.Phase);
    }

    [Theory]
    [InlineData(Point.Closing, true)]
    [InlineData(Point.Releasing, true)]
    [InlineData(Point.Released, false)]
    [InlineData(Point.LastCall, false)]
    public void It_is_aborted_once_and_not_when_the_transport_is_gone(Point point, bool expected)
    {
        var life = At(point);

        life.TryAbort().Should().Be(expected);

        life.IsAborted.Should().Be(expected);
        life.TryAbort().Should().BeFalse();
        life.IsAborted.Should().Be(expected);
    }

    // ---- Receiving ----

    [Theory]
    [MemberData(nameof(Points))]
    public void A_receive_begins_as_long_as_the_transport_is_there(Point point)
    {
        var life = At(point);
        var isThere = point <= Point.Closing;

        life.TryBeginReceive().Should().Be(isThere);

        life.IsReceiving.Should().Be(isThere);
        life.Receives.Should().Be(isThere ? 1 : 0);
    }

    [Fact]
    public void No_receive_begins_behind_an_abort()
    {
        var life = At(Point.Closing);
        life.TryAbort();

        life.TryBeginReceive().Should().BeFalse();

        life.IsReceiving.Should().BeFalse();
        life.Receives.Should().Be(0);
    }

    [Fact]
    public void A_wait_and_the_receive_behind_it_are_counted_and_their_end_is_not()
    {
        var life = At(Point.Open);
        life.TryBeginReceive();
        life.NextReceive();
        life.IsReceiving.Should().BeTrue();
        life.Receives.Should().Be(2);

        life.EndReceive();
        life.IsReceiving.Should().BeFalse();
        life.Receives.Should().Be(2);

        life.TryBeginReceive();
        life.Receives.Should().Be(3);
    }

    [Fact]
    public void The_input_ends_and_then_the_receive_loop_is_over()
    {
        var life = At(Point.Open);
        life.TryBeginReceive();
        life.EndReceive();
        life.IsInputEnded.Should().BeFalse();

        life.EndInput();
        life.IsInputEnded.Should().BeTrue();
        life.IsInputOver.Should().BeFalse("the handler works off what came");

        life.EndReceiveLoop();
        life.IsInputEnded.Should().BeTrue();
        life.IsInputOver.Should().BeTrue();
        life.IsReceiving.Should().BeFalse();
    }

    [Fact]
    public void Behind_the_end_of_the_input_no_receive_begins()
    {
        var life = At(Point.Open);
        life.EndInput();
        life.TryBeginReceive().Should().BeFalse();

        life.EndReceiveLoop();
        life.TryBeginReceive().Should().BeFalse();
        life.IsInputOver.Should().BeTrue();
    }

    [Fact]
    public void A_receive_loop_that_never_began_may_be_over()
    {
        var life = default(ConnectionLifecycle);
        life.EndReceiveLoop();

        life.IsInputEnded.Should().BeTrue();
        life.IsInputOver.Should().BeTrue();
    }

    // ---- Releasing, Released, LastCall ----

    public enum Input
    {
        Handling,
        Receiving,
        Ended,
        Over,
    }

    public static TheoryData<Input, bool, bool, bool> Inputs
    {
        get
        {
            var all = new TheoryData<Input, bool, bool, bool>();
            foreach (var input in Enum.GetValues<Input>())
            {
                foreach (var isAborted in new[] { false, true })
                {
                    var isOver = input == Input.Over || (isAborted && input != Input.Receiving);
                    all.Add(input, isAborted, false, isOver);
                    all.Add(input, isAborted, true, false);
                }
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Inputs))]
    public void A_closing_connection_gives_the_transport_up_when_nobody_is_inside_and_the_loop_is_over_or_aborted(
        Input input, bool isAborted, bool isSending, bool expected)
    {
        var life = At(Point.Closing);
        Enter(ref life, input);
        if (isAborted)
        {
            life.TryAbort().Should().BeTrue();
        }

        life.TryBeginRelease(isSending).Should().Be(expected);

        life.TryBeginRelease(isSending).Should().BeFalse("it is given up once");
        life.IsReleased.Should().BeFalse();
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void The_transport_is_given_up_from_nowhere_but_a_closing_connection(Point point)
    {
        var life = At(point);
        if (point < Point.Releasing)
        {
            life.EndReceiveLoop();
        }

        life.TryBeginRelease(isSending: false).Should().Be(point == Point.Closing);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_last_call_begins_once_the_transport_is_released_and_the_receive_loop_over(bool loopEndsFirst)
    {
        var life = At(Point.Closing);
        life.TryAbort();
        if (loopEndsFirst)
        {
            life.EndReceiveLoop();
        }

        life.TryBeginRelease(isSending: false).Should().BeTrue();
        life.TryBeginLastCall().Should().BeFalse("the transport is not released");
        life.IsReleased.Should().BeFalse();
        life.Release();
        life.IsReleased.Should().BeTrue();
        if (!loopEndsFirst)
        {
            life.TryBeginLastCall().Should().BeFalse("a handler's call is under way");
            life.EndReceiveLoop();
        }

        life.TryBeginLastCall().Should().BeTrue();

        life.TryBeginLastCall().Should().BeFalse("it is the last");
        life.IsReleased.Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void The_last_call_begins_from_nowhere_but_a_released_transport(Point point)
    {
        var life = At(point);
        if (point < Point.Releasing)
        {
            life.EndReceiveLoop();
        }

        life.TryBeginLastCall().Should().Be(point == Point.Released);
    }

    [Fact]
    public void The_whole_reason_replaces_the_first_words_of_it_and_nothing_else()
    {
        var life = At(Point.Releasing);
        var whole = Reason with { UnsentBytes = 3, DiscardedMessages = 2 };

        life.Complete(whole);

        life.Reason.Should().BeSameAs(whole);
        life.IsReleased.Should().BeFalse();
        life.TryBeginLastCall().Should().BeFalse();
        life.Phase.Should().Be(Reason.Phase);
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void A_stop_may_leave_it_out_at_any_time(Point point)
    {
        var life = At(point);
        life.IsEnded.Should().BeFalse();

        life.End();

        life.IsEnded.Should().BeTrue();
        life.IsReleased.Should().Be(point >= Point.Released);
    }

    private static ConnectionLifecycle At(Point point)
    {
        var life = default(ConnectionLifecycle);
        if (point == Point.DrainingUnopened)
        {
            life.BeginDrain();
            return life;
        }

        if (point >= Point.Open)
        {
            life.TryOpen();
        }

        if (point >= Point.Draining)
        {
            life.BeginDrain();
        }

        if (point >= Point.Closing)
        {
            life.Close(Reason);
        }

        if (point >= Point.Releasing)
        {
            life.EndReceiveLoop();
            life.TryBeginRelease(isSending: false).Should().BeTrue();
        }

        if (point >= Point.Released)
        {
            life.Release();
        }

        if (point >= Point.LastCall)
        {
            life.TryBeginLastCall().Should().BeTrue();
        }

        return life;
    }

    private static void Enter(ref ConnectionLifecycle life, Input input)
    {
        switch (input)
        {
            case Input.Receiving:
                life.TryBeginReceive().Should().BeTrue();
                break;

            case Input.Ended:
                life.EndInput();
                break;

            case Input.Over:
                life.EndReceiveLoop();
                break;

            default:
                break;
        }
    }
}
