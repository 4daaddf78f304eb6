using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Clients;

/// <summary>
/// Tells a client's subscriber of state changes: in order, one at a time, on the pool, so that a slow one delays nothing but the next
/// notice.
/// </summary>
internal sealed class StateNotices(Action<ClientStateChange> notify, ILogger logger) : IThreadPoolWorkItem
{
    /// <summary>How long a disposal waits for a subscriber.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Queue<ClientStateChange> _queue = new();
    private TaskCompletionSource? _told;
    private bool _running;
    private int _thread;

    public void Add(ClientStateChange change)
    {
        lock (_lock)
        {
            _queue.Enqueue(change);
            if (_running)
            {
                return;
            }

            _running = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Completes when the subscriber has been told of all changes so far; when it takes longer than its patience, or disposes of
    /// the client itself, without.</summary>
    public async Task ToldAsync()
    {
        Task told;
        lock (_lock)
        {
            if (!_running || _thread == Environment.CurrentManagedThreadId)
            {
                return;
            }

            told = (_told ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        // Real time: a subscriber is no part of what a test's clock drives.
        await told.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (true)
        {
            ClientStateChange? change;
            TaskCompletionSource? told = null;
            lock (_lock)
            {
                _thread = Environment.CurrentManagedThreadId;
                if (!_queue.TryDequeue(out change))
                {
                    _running = false;
                    _thread = 0;
                    (told, _told) = (_told, null);
                }
            }

            if (change is null)
            {
                told?.SetResult();
                return;
            }

            try
            {
                notify(change);
            }
#pragma warning disable CA1031 // A subscriber is user code; the next notice must still come.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.SubscriberFailed(logger, exception);
            }
        }
    }
}
