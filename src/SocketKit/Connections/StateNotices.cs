using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>Tells a client's subscriber of state changes: in order, one at a time, on the pool, so that a slow one delays nothing but the next notice.</summary>
internal sealed class StateNotices(Action<ClientStateChange> notify, ILogger logger) : IThreadPoolWorkItem
{
    private readonly Lock _gate = new();
    private readonly Queue<ClientStateChange> _queue = new();
    private bool _running;

    public void Add(ClientStateChange change)
    {
        lock (_gate)
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

    void IThreadPoolWorkItem.Execute()
    {
        while (true)
        {
            ClientStateChange? change;
            lock (_gate)
            {
                if (!_queue.TryDequeue(out change))
                {
                    _running = false;
                    return;
                }
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
