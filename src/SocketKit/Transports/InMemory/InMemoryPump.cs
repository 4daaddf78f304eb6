namespace SocketKit.Transports.InMemory;

/// <summary>
/// The one thread on which a network's completions run, in the order of their causes. It is started when there is something to do and ends
/// after a second without, so that a network needs no disposal. As the synchronization context of handlers it brings their awaits back. The
/// library's own code runs there without one, since completions would leave the thread otherwise.
/// </summary>
internal sealed class InMemoryPump : SynchronizationContext
{
    private const int IdleMilliseconds = 1_000;

    [ThreadStatic]
    private static InMemoryPump? _current;

    private readonly object _lock = new();
    private readonly Queue<(SendOrPostCallback Callback, object? State, InMemoryPump? Context)> _queue = new();
    private bool _hasThread;
    private bool _busy;

    /// <summary>How long a caller waits for the network's thread, in real time.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>For the connections of this network.</summary>
    public HandlerRules HandlerRules => field ??= new HandlerRules { PoisonsReleasedBuffers = true, Synchronization = this };

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Queues user code.</summary>
    public override void Post(SendOrPostCallback d, object? state) => Queue(d, state, this);

    /// <summary>Queues the library's own.</summary>
    public void Queue(SendOrPostCallback callback, object? state) => Queue(callback, state, null);

    private void Queue(SendOrPostCallback callback, object? state, InMemoryPump? context)
    {
        lock (_lock)
        {
            _queue.Enqueue((callback, state, context));
            if (_hasThread)
            {
                Monitor.PulseAll(_lock);
                return;
            }

            _hasThread = true;
        }

        new Thread(Run) { IsBackground = true, Name = "SocketKit in-memory network" }.UnsafeStart();
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (_current == this)
        {
            d(state);
            return;
        }

        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = 0;
        Post(
            _ =>
            {
                if (Interlocked.CompareExchange(ref begun, 1, 0) != 0)
                {
                    return;
                }

                try
                {
                    d(state);
                    done.SetResult();
                }
                catch (Exception exception)
                {
                    done.SetException(exception);
                }
            },
            null);

        // What has begun may take its time; what does not begin waits for a thread that somebody blocks.
        if (!WaitFor(done.Task) && Interlocked.CompareExchange(ref begun, 1, 0) == 0)
        {
            throw new TimeoutException($"The in-memory network's thread has been busy for {Patience.TotalSeconds:0} s: a handler blocks it, "
                + "with .Result, .Wait() or Thread.Sleep perhaps. Await instead; what must block is tested over real sockets");
        }

        done.Task.GetAwaiter().GetResult();
    }

    private bool WaitFor(Task task) => ((IAsyncResult)task).AsyncWaitHandle.WaitOne(Patience);

    /// <summary>
    /// Waits until there is nothing to do. On a network's thread, this one's or another's, it does not wait: two networks that wait for
    /// each other would stand still.
    /// </summary>
    public bool Settle()
    {
        if (_current is not null)
        {
            return true;
        }

        lock (_lock)
        {
            var deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
            while (_busy || _queue.Count > 0)
            {
                var left = deadline - Environment.TickCount64;
                if (left <= 0)
                {
                    return false;
                }

                Monitor.Wait(_lock, (int)left);
            }

            return true;
        }
    }

    private void Run()
    {
        _current = this;
        var clean = ExecutionContext.Capture()!;
        while (TryTake(out var item))
        {
            SetSynchronizationContext(item.Context);
            item.Callback(item.State);

            // What one item left in an AsyncLocal is not the next one's.
            ExecutionContext.Restore(clean);
        }
    }

    private bool TryTake(out (SendOrPostCallback Callback, object? State, InMemoryPump? Context) item)
    {
        lock (_lock)
        {
            _busy = false;
            if (_queue.Count == 0)
            {
                Monitor.PulseAll(_lock);
            }

            var deadline = Environment.TickCount64 + IdleMilliseconds;
            while (!_queue.TryDequeue(out item))
            {
                var left = deadline - Environment.TickCount64;
                if (left <= 0)
                {
                    _hasThread = false;
                    return false;
                }

                Monitor.Wait(_lock, (int)left);
            }

            _busy = true;
            return true;
        }
    }
}
