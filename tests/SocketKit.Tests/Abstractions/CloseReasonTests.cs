namespace SocketKit.Tests.Abstractions;

public class CloseReasonTests
{
    [Fact]
    public void It_reads_as_a_sentence()
    {
        var reason = new CloseReason(CloseKind.Truncated, ClosePhase.Open, CloseParty.Peer, "1 byte without a line end", new IOException("not shown"));
        reason.ToString().Should().Be("Truncated by Peer while Open: 1 byte without a line end");
        (reason with { Detail = null }).ToString().Should().Be("Truncated by Peer while Open: not shown");
        (reason with { Detail = null, Exception = null }).ToString().Should().Be("Truncated by Peer while Open");
        (reason with { DiscardedMessages = 3, UnsentBytes = 12 }).ToString().Should().EndWith("line end (3 received messages discarded) (12 bytes unsent)");
    }

    [Fact]
    public void Exceptions_carry_it()
    {
        var cause = new IOException("cable");
        var reason = new CloseReason(CloseKind.TransportFailed, ClosePhase.Open, CloseParty.Network, null, cause);
        var thrown = new ConnectionClosedException(reason);
        thrown.Reason.Should().BeSameAs(reason);
        thrown.InnerException.Should().BeSameAs(cause);
        thrown.Message.Should().Be("The connection is closed: TransportFailed by Network while Open: cable");
        new ConnectionClosedException("other words", reason).Message.Should().Be("other words");
        new ConnectException("tcp://a:1", reason).Message.Should().StartWith("Cannot connect to tcp://a:1: TransportFailed");
        FluentActions.Invoking(() => new ConnectionClosedException(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => new ConnectionClosedException("x", null!)).Should().Throw<ArgumentNullException>();
    }
}
