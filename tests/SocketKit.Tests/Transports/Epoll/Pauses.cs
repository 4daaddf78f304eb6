using SocketKit.Transports.Epoll;

namespace SocketKit.Tests.Transports.Epoll;

/// <summary>Threads of a model, which are held up at random at every point between two atomic steps.</summary>
internal static class Pauses
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [ThreadStatic]
    private static Random? _random;

    static Pauses() => Interleaving.Pause = Pause;

    /// <summary>Runs them at once and waits for all; what one throws, this throws.</summary>
    public static async Task RunAsync(params Action[] threads)
    {
        var tasks = threads.Select((body, index) => Task.Factory.StartNew(
            () =>
            {
                _random = new Random(index);
                try
                {
                    body();
                }
                finally
                {
                    _random = null;
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToArray();
        await Task.WhenAll(tasks).WaitAsync(Patience);
    }

    /// <summary>Waits for what another thread of the model does.</summary>
    public static void Until(Func<bool> condition, string what)
    {
        var end = Environment.TickCount64 + 10_000;
        for (var wait = default(SpinWait); !condition(); wait.SpinOnce(sleep1Threshold: -1))
        {
            if (Environment.TickCount64 > end)
            {
                throw new TimeoutException(what);
            }
        }
    }

    public static void Pause()
    {
        switch (_random?.Next(8))
        {
            case 0:
                Thread.Yield();
                break;
            case 1:
                Thread.SpinWait(_random.Next(200));
                break;
            default:
                break;
        }
    }
}
