using SocketKit.Clients;

namespace SocketKit.Tests.Clients;

public class ConnectWaitersTests
{
    private readonly ConnectWaiters _waiters = new();

    [Fact]
    public void All_who_joined_learn_of_the_connection()
    {
        var joined = new[] { _waiters.Join(), _waiters.Join() };

        _waiters.Complete();

        joined.Should().OnlyContain(task => task.IsCompletedSuccessfully);
        _waiters.Join().IsCompletedSuccessfully.Should().BeTrue("the connection is open");
    }

    [Fact]
    public void The_attempt_ends_with_the_last_who_leaves()
    {
        var (first, second) = (_waiters.Join(), _waiters.Join());

        _waiters.Leave(first).Should().Be(LeaveResult.Left);
        _waiters.Leave(second).Should().Be(LeaveResult.Deserted);
    }

    [Fact]
    public void Who_leaves_in_the_instant_of_the_connection_is_connected()
    {
        var joined = _waiters.Join();

        _waiters.Complete();

        _waiters.Leave(joined).Should().Be(LeaveResult.Connected);
    }

    [Fact]
    public void A_run_that_was_connected_once_goes_on_without_waiters()
    {
        _waiters.Join();
        _waiters.Complete();
        _waiters.Renew();

        var again = _waiters.Join();

        again.IsCompleted.Should().BeFalse("the next connection is waited for");
        _waiters.Leave(again).Should().Be(LeaveResult.Left);
    }

    [Fact]
    public void Those_who_wait_already_wait_on_when_a_connection_is_lost_before_it_was_open()
    {
        var before = _waiters.Join();

        _waiters.Renew();

        _waiters.Join().Should().BeSameAs(before);
    }

    [Fact]
    public void A_run_that_fails_fails_those_who_wait_and_nobody_else()
    {
        var connected = _waiters.Join();
        _waiters.Complete();
        _waiters.Renew();
        var waiting = _waiters.Join();
        var failure = new IOException("gone");

        _waiters.Fail(failure);

        connected.IsCompletedSuccessfully.Should().BeTrue();
        waiting.Exception!.InnerException.Should().BeSameAs(failure);
    }
}
