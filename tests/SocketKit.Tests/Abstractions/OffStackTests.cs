using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Abstractions;

public class OffStackTests
{
    [Fact]
    public async Task What_is_complete_before_it_is_awaited_leaves_the_stack_all_the_same()
    {
        (await OnAThreadOfItsOwnAsync(() => new OffStack(default))).Should().BeTrue();
        (await OnAThreadOfItsOwnAsync(() => new OffStack(new ValueTask(Task.CompletedTask)))).Should().BeTrue();
    }

    [Fact]
    public async Task A_failure_is_thrown()
    {
        Func<Task> awaiting = async () => await new OffStack(ValueTask.FromException(new TimeoutException("late")));

        await awaiting.Should().ThrowAsync<TimeoutException>().WithMessage("late");
    }

    private static Task<bool> OnAThreadOfItsOwnAsync(Func<OffStack> wait) => Task.Factory.StartNew(
        async () =>
        {
            await wait();
            return Thread.CurrentThread.IsThreadPoolThread;
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default).Unwrap().WaitAsync(TestBed.Patience);
}
