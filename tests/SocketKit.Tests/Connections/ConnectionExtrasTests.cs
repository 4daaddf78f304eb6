using SocketKit.Connections;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Connections;

public class ConnectionExtrasTests
{
    private static readonly CloseReason Reason = Because(CloseKind.PeerClosed);

    private readonly ConnectionExtras _extras = new();

    [Fact]
    public void What_nobody_asked_for_needs_no_telling()
    {
        (_extras.BeginStop() is null).Should().BeTrue();
        _extras.Close().Should().Be((default(CancellationTokenSource), default(CancellationTokenSource)));
        (_extras.Finish() is null).Should().BeTrue();
        (_extras.Release() is null).Should().BeTrue();
        (_extras.End() is null).Should().BeTrue();
    }

    [Fact]
    public void Tokens_that_were_asked_for_are_given_to_be_cancelled_and_not_cancelled_here()
    {
        var stopping = _extras.StoppingToken(isClosing: false);
        var closed = _extras.ClosedToken(isClosing: false);
        _extras.StoppingToken(isClosing: false).Should().Be(stopping);
        _extras.ClosedToken(isClosing: false).Should().Be(closed);
        stopping.Should().NotBe(closed);

        _extras.BeginStop()!.Token.Should().Be(stopping);
        var both = _extras.Close();

        both.Stopping!.Token.Should().Be(stopping);
        both.Closed!.Token.Should().Be(closed);
        stopping.IsCancellationRequested.Should().BeFalse("users' registrations run outside of the lock");
        closed.IsCancellationRequested.Should().BeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tokens_that_are_asked_for_later_are_cancelled_if_their_time_has_come(bool isClosing)
    {
        _extras.ClosedToken(isClosing).IsCancellationRequested.Should().Be(isClosing);
        _extras.StoppingToken(isClosing).IsCancellationRequested.Should().Be(isClosing);
    }

    [Fact]
    public void A_stop_that_has_begun_cancels_the_token_of_the_stop_alone()
    {
        _extras.BeginStop();

        _extras.StoppingToken(isClosing: false).IsCancellationRequested.Should().BeTrue();
        _extras.ClosedToken(isClosing: false).IsCancellationRequested.Should().BeFalse();
    }

    [Fact]
    public void Tasks_that_were_asked_for_are_given_to_be_completed()
    {
        var closed = _extras.Closed(null);
        var finished = _extras.Finished();
        var ended = _extras.Ended(isEnded: false);
        _extras.Closed(Reason).Should().BeSameAs(closed, "whoever releases the connection completes it");
        _extras.Ended(isEnded: true).Should().BeSameAs(ended);

        _extras.Release()!.Task.Should().BeSameAs(closed);
        _extras.Finish()!.Task.Should().BeSameAs(finished);
        _extras.End()!.Task.Should().BeSameAs(ended);

        closed.IsCompleted.Should().BeFalse();
        finished.IsCompleted.Should().BeFalse();
        ended.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task Tasks_that_are_asked_for_later_are_complete()
    {
        _extras.Ended(isEnded: true).IsCompletedSuccessfully.Should().BeTrue();
        var closed = _extras.Closed(Reason);
        closed.IsCompleted.Should().BeTrue();
        (await closed).Should().BeSameAs(Reason);
    }

    [Fact]
    public void Who_awaits_a_task_goes_on_on_another_stack_than_that_of_who_completes_it()
    {
        _extras.Closed(null);
        _extras.Finished();
        _extras.Ended(isEnded: false);

        Task[] all = [_extras.Release()!.Task, _extras.Finish()!.Task, _extras.End()!.Task];

        all.Should().OnlyContain(task => task.CreationOptions.HasFlag(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    [Fact]
    public void The_items_are_made_once()
    {
        _extras.Items["key"] = "value";

        _extras.Items["key"].Should().Be("value");
    }
}
