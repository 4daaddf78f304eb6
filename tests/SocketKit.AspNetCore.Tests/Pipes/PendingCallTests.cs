using System.Threading.Tasks.Sources;
using SocketKit.AspNetCore.Pipes;
using SocketKit.AspNetCore.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Pipes;

public class PendingCallTests
{
    private readonly Owner _owner = new();

    private ref PendingCall<int> Call => ref _owner.Call;

    [Fact]
    public async Task Who_takes_a_call_completes_it_and_nobody_else_can()
    {
        Call.TryTake().Should().BeFalse("none has begun");
        var task = Begin();

        Call.TryTake().Should().BeTrue();
        Call.TryTake().Should().BeFalse();
        Call.TryTakeToCancel().Should().BeFalse();
        Call.SetResult(7);

        (await task.InTime()).Should().Be(7);
    }

    [Fact]
    public async Task A_call_goes_on_on_the_stack_of_who_completes_it()
    {
        var continuation = Begin().Continuation();

        (await continuation.RunsInside(Complete)).Should().BeTrue();
    }

    [Fact]
    public async Task A_call_does_not_go_on_on_the_stack_of_who_cancels_it_but_the_one_behind_it_does_again()
    {
        var canceled = Begin().Continuation();
        (await canceled.RunsInside(Cancel)).Should().BeFalse();

        var next = Begin().Continuation();
        (await next.RunsInside(Complete)).Should().BeTrue();

        void Cancel()
        {
            Call.TryTakeToCancel().Should().BeTrue();
            Call.SetException(new OperationCanceledException());
        }
    }

    [Fact]
    public async Task A_token_cancels_the_call_that_it_came_with_and_no_later_one()
    {
        using var source = new CancellationTokenSource();
        var first = Begin(source.Token);
        Call.TryTake();
        Call.SetResult(1);
        await first;

        var second = Begin();
        await source.CancelAsync();

        second.IsCompleted.Should().BeFalse();
        _owner.Cancellations.Should().Be(0);
    }

    [Fact]
    public void A_token_calls_what_it_was_given()
    {
        using var source = new CancellationTokenSource();
        _ = Begin(source.Token);

        source.Cancel();

        _owner.Cancellations.Should().Be(1);
    }

    [Fact]
    public void What_was_asked_for_while_no_call_was_pending_is_told_once()
    {
        Call.TakeCancelAsked().Should().BeFalse();
        Call.AskToCancel();

        Call.CancelAsked.Should().BeTrue();
        Call.TakeCancelAsked().Should().BeTrue();
        Call.TakeCancelAsked().Should().BeFalse();
    }

    private void Complete()
    {
        Call.TryTake();
        Call.SetResult(7);
    }

    private ValueTask<int> Begin(CancellationToken cancellationToken = default)
    {
        Call.Begin();
        return Call.Await(_owner, static (owner, _) => ((Owner)owner!).Cancellations++, cancellationToken);
    }

    private sealed class Owner : IValueTaskSource<int>
    {
        public PendingCall<int> Call;

        public int Cancellations { get; set; }

        public int GetResult(short token) => Call.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => Call.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            Call.OnCompleted(continuation, state, token, flags);
    }
}
