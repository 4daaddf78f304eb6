namespace SocketKit.AspNetCore.Pipes;

/// <summary>Ends what flushes wait for while the code that flushed blocks a thread of the pool: one clock for the process, which runs
/// only while something is held back.</summary>
internal static class FlushClock
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly Lock Lock = new();
    private static List<TransportPipeWriter> _watched = [];
    private static bool _running;

    /// <summary>Looks at a writer at each tick, until <see cref="TransportPipeWriter.Tick"/> wants no more.</summary>
    public static void Watch(TransportPipeWriter writer)
    {
        lock (Lock)
        {
            _watched.Add(writer);
            if (_running)
            {
                return;
            }

            try
            {
                new Thread(Run) { IsBackground = true, Name = "SocketKit flush clock" }.UnsafeStart();
                _running = true;
            }
            catch (OutOfMemoryException)
            {
                // The system gives no thread now: what is held back leaves when the code that flushed it returns, and the next one asks
                // again.
            }
        }
    }

    private static void Run()
    {
        while (true)
        {
            Thread.Sleep(Interval);
            TransportPipeWriter[] some;
            lock (Lock)
            {
                if (_watched.Count == 0)
                {
                    _running = false;
                    return;
                }

                some = [.. _watched];
            }

            var now = Environment.TickCount64;
            var rest = some.Where(writer => writer.Tick(now)).ToArray();
            lock (Lock)
            {
                // Those that came meanwhile are behind these.
                _watched = [.. rest, .. _watched.Skip(some.Length)];
            }
        }
    }
}
