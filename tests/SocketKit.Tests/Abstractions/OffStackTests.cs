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

    [Fact]
    public async Task What_completes_later_goes_on_where_it_completes()
    {
        var later = new TaskCompletionSource();
        var thread = 0;

        var waiting = WaitAsync();
        var completing = Environment.CurrentManagedThreadId;
        later.SetResult();
        await waiting.WaitAsync(TestBed.Patience);

        thread.Should().Be(completing);

        async Task WaitAsync()
        {
            await new OffStack(new ValueTask(later.Task));
            thread = Environment.CurrentManagedThreadId;
        }
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
