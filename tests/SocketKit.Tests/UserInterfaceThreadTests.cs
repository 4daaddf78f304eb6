using System.Collections.Concurrent;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

/// <summary>What docs/threads.md says of a user interface: one thread with a synchronization context of its own.</summary>
[Trait("Fault", "X39")]
public class UserInterfaceThreadTests
{
    [Fact]
    public async Task Awaits_come_back_to_the_user_interface_and_hooks_and_notices_never_run_on_it()
    {
        await using var bed = await new TestBed().StartAsync();
        using var ui = new UserInterface();
        var notices = new ConcurrentQueue<bool>();
        var hooks = new ConcurrentQueue<bool>();
        var awaits = new List<bool>();

        await ui.Run(async () =>
        {
            var client = new SocketClient(bed.ClientOptions(options => options.OnOpening = (_, _) =>
            {
                hooks.Enqueue(ui.IsHere);
                return default;
            }));
            client.StateChanged += (_, _) => notices.Enqueue(ui.IsHere);
            await client.ConnectAsync();
            awaits.Add(ui.IsHere);
            using (await client.RequestAsync("1"))
            {
                awaits.Add(ui.IsHere);
            }

            await client.SendAsync("2");
            awaits.Add(ui.IsHere);
            await foreach (var message in client.Messages)
            {
                message.Dispose();
                awaits.Add(ui.IsHere);
                break;
            }

            await client.DisposeAsync();
            awaits.Add(ui.IsHere);
        }).Soon();

        awaits.Should().Equal(true, true, true, true, true);
        hooks.Should().Equal(false);
        notices.Should().Equal(false, false, false);
    }

    [Fact]
    public async Task Waiting_on_the_user_interfaces_thread_freezes_it_but_ends()
    {
        await using var bed = await new TestBed().StartAsync();
        using var ui = new UserInterface();

        await ui.Run(() =>
        {
            var client = new SocketClient(bed.ClientOptions());
            client.ConnectAsync().Soon().Wait();
            client.RequestAsync("1").AsTask().Soon().Result.Dispose();
            client.DisposeAsync().AsTask().Soon().Wait();
            return Task.CompletedTask;
        }).Soon();
    }

    /// <summary>A thread with a queue of what to do on it, as every user interface has one.</summary>
    private sealed class UserInterface : SynchronizationContext, IDisposable
    {
        private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _queue = [];
        private readonly Thread _thread;

        public UserInterface()
        {
            _thread = new Thread(() =>
            {
                SetSynchronizationContext(this);
                foreach (var (callback, state) in _queue.GetConsumingEnumerable())
                {
                    callback(state);
                }
            })
            { IsBackground = true };
            _thread.Start();
        }

        public bool IsHere => Thread.CurrentThread == _thread;

        public override void Post(SendOrPostCallback d, object? state) => _queue.Add((d, state));

        public Task Run(Func<Task> action)
        {
            var done = Shorthand.Gate();
            Post(
                async _ =>
                {
                    try
                    {
                        await action();
                        done.SetResult();
                    }
                    catch (Exception exception)
                    {
                        done.SetException(exception);
                    }
                },
                null);
            return done.Task;
        }

        public void Dispose()
        {
            _queue.CompleteAdding();
            _thread.Join(TestBed.Patience);
            _queue.Dispose();
        }
    }
}
