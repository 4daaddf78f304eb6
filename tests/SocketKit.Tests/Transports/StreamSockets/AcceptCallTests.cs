using SocketKit.Transports.StreamSockets;

namespace SocketKit.Tests.Transports.StreamSockets;

public class AcceptCallTests
{
    [Fact]
    public async Task It_is_ended_once_and_used_again()
    {
        var call = new AcceptCall();
        for (var round = 0; round < 2; round++)
        {
            var accept = call.Begin();
            call.IsWaiting.Should().BeTrue();
            call.End().Should().BeTrue();
            call.End().Should().BeFalse("the first caller completes it");
            call.IsWaiting.Should().BeFalse();

            call.Complete(null, null);

            (await accept).Should().BeNull();
        }
    }

    [Fact]
    public async Task The_next_one_begins_when_the_result_is_fetched_and_not_before()
    {
        var call = new AcceptCall();
        var accept = call.Begin();
        call.Invoking(begun => begun.Begin()).Should().Throw<InvalidOperationException>();
        call.End();
        call.Complete(null, new IOException("none left"));
        call.Invoking(ended => ended.Begin()).Should().Throw<InvalidOperationException>();

        await FluentActions.Awaiting(() => accept.AsTask()).Should().ThrowAsync<IOException>();

        var next = call.Begin();
        next.IsCompleted.Should().BeFalse();
    }
}
