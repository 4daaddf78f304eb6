using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace SocketKit.Load.Driving;

/// <summary>Runs a load from connecting to the last reply.</summary>
internal static class Driver
{
    /// <param name="probe">The server's process, when it runs on this machine.</param>
    /// <param name="progress">Gets a line per second.</param>
    /// <exception cref="WrongReplyException">The server sent something else than it must.</exception>
    /// <exception cref="IOException">The server closed a connection.</exception>
    /// <exception cref="TimeoutException">Replies are missing.</exception>
    public static LoadResult Run(LoadOptions options, IServerProbe? probe = null, Action<string>? progress = null)
    {
        OpenFiles.RequireFor(options.Connections);
        var links = Connect(options);
        var threads = Math.Clamp(options.Threads, 1, options.Connections);
        var workers = Enumerable.Range(0, threads).Select(t => new Worker(options, links.Where((_, i) => i % threads == t).ToArray())).ToArray();
        try
        {
            return Measure(options, workers, probe, progress);
        }
        finally
        {
            foreach (var worker in workers)
            {
                worker.Dispose();
            }
        }
    }

    private static Link[] Connect(LoadOptions options)
    {
        var links = new List<Link>(options.Connections);
        try
        {
            while (links.Count < options.Connections)
            {
                links.Add(Link.Connect(options.Server, links.Count));
            }

            return [.. links];
        }
        catch
        {
            links.ForEach(link => link.Dispose());
            throw;
        }
    }

    private static LoadResult Measure(LoadOptions options, Worker[] workers, IServerProbe? probe, Action<string>? progress)
    {
        using var self = Process.GetCurrentProcess();
        var start = Stopwatch.GetTimestamp();
        var from = start + Ticks(options.WarmUp);
        var until = from + Ticks(options.Time);
        ExceptionDispatchInfo? failure = null;
        var threads = workers.Select((worker, i) => new Thread(() =>
        {
            try
            {
                if (options.FirstProcessor is { } first && Processors.CanPin)
                {
                    Processors.PinThisThread((first + i) % Environment.ProcessorCount);
                }

                worker.Run(start, from, until);
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(exception), null);
                foreach (var other in workers)
                {
                    other.Abandon();
                }
            }
        })
        { IsBackground = true, Name = $"load {i}" }).ToList();
        threads.ForEach(thread => thread.Start());

        Watch(from, "warm-up");
        var allocated = probe?.AllocatedBytes;
        var before = Reading.Take(workers, probe, self);
        Watch(until, "measuring");
        var after = Reading.Take(workers, probe, self);
        allocated = probe?.AllocatedBytes - allocated;
        foreach (var thread in threads)
        {
            thread.Join();
        }

        failure?.Throw();
        return Summarize(options, workers, before, after, allocated);

        void Watch(long end, string phase)
        {
            var (last, at) = (workers.Sum(worker => worker.Replies), Stopwatch.GetTimestamp());
            while (Stopwatch.GetTimestamp() is var now && now < end)
            {
                Thread.Sleep(TimeSpan.FromSeconds(Math.Min(0.1, Stopwatch.GetElapsedTime(now, end).TotalSeconds)));
                if (Volatile.Read(ref failure) is not null)
                {
                    return;
                }

                if (Stopwatch.GetElapsedTime(at).TotalSeconds >= 1)
                {
                    var replies = workers.Sum(worker => worker.Replies);
                    progress?.Invoke(string.Create(null, $"{options.Text}: {phase}, {(replies - last) / Stopwatch.GetElapsedTime(at).TotalSeconds:N0} messages/s"));
                    (last, at) = (replies, Stopwatch.GetTimestamp());
                }
            }
        }
    }

    private static LoadResult Summarize(LoadOptions options, Worker[] workers, Reading before, Reading after, long? allocated)
    {
        var latencies = new Latencies();
        foreach (var worker in workers)
        {
            latencies.Add(worker.Latencies);
        }

        var unanswered = workers.Sum(worker => worker.Unanswered);
        var messages = latencies.Count - unanswered;
        if (messages == 0)
        {
            throw new TimeoutException("No reply came while it was measured.");
        }

        // The readings are a little late, each by its own; what lies between them belongs together.
        double replies = after.Replies - before.Replies;
        var seconds = Stopwatch.GetElapsedTime(before.At, after.At).TotalSeconds;
        var server = after.Server - before.Server;
        var load = after.Load - before.Load;
        var others = after.Machine - before.Machine - load - server;
        return new LoadResult(options.Connections, options.Depth, options.Size, options.Rate, options.Time.TotalSeconds, messages, messages / options.Time.TotalSeconds, latencies.Summary(), unanswered,
            replies > 0 ? server?.TotalMicroseconds / replies : null, server?.TotalSeconds / seconds, load.TotalSeconds / seconds, others is null ? null : Math.Max(0, others.Value.TotalSeconds / seconds), replies > 0 ? allocated / replies : null);
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    /// <summary>Counts and processor times at one moment.</summary>
    private readonly record struct Reading(long At, long Replies, TimeSpan? Server, TimeSpan Load, TimeSpan? Machine)
    {
        public static Reading Take(Worker[] workers, IServerProbe? probe, Process self)
        {
            self.Refresh();
            return new Reading(Stopwatch.GetTimestamp(), workers.Sum(worker => worker.Replies), probe?.ProcessorTime, self.TotalProcessorTime, OtherPrograms.BusyTime);
        }
    }
}
