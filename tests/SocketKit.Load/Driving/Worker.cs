using System.Diagnostics;
using System.Numerics;

namespace SocketKit.Load.Driving;

/// <summary>One thread of the load, with links and a poller of its own.</summary>
internal sealed class Worker : IDisposable
{
    private const int ReceiveBuffer = 128 * 1024;

    // A reply that has not come after so long does not come.
    private static readonly long Patience = 5 * Stopwatch.Frequency;

    private readonly LoadOptions _options;
    private readonly Link[] _links;
    private readonly ITraffic _traffic;
    private readonly Poller _poller;
    private readonly Ready[] _ready;
    private readonly byte[] _buffer = new byte[ReceiveBuffer];
    private Schedule? _schedule;
    private long _from;
    private long _until;
    private long _next;
    private long _outstanding;
    private long _replies;
    private bool _over;
    private volatile bool _abandoned;

    public Worker(LoadOptions options, Link[] links)
    {
        _options = options;
        _links = links;
        _poller = Poller.Create(options.Portable);
        // In open loop more than the depth may be due at once.
        var slots = options.Rate is null ? options.Depth : Math.Clamp(256 * 1024 / (options.Size + 4), 1, 64);
        _traffic = options.IsHttp ? new HttpTraffic(slots) : new Traffic(options.Size, slots);
        _ready = new Ready[links.Length];
        for (var i = 0; i < links.Length; i++)
        {
            links[i].Place = i;
            links[i].Excluded = options.ExcludeEvery > 0 && links[i].Index % options.ExcludeEvery == 0;
            links[i].SentAt = options.Rate is null ? new long[BitOperations.RoundUpToPowerOf2((uint)options.Depth)] : [];
            _poller.Add(links[i]);
        }
    }

    public Latencies Latencies { get; } = new();

    /// <summary>Replies so far, from any thread.</summary>
    public long Replies => Volatile.Read(ref _replies);

    /// <summary>Messages whose replies did not come.</summary>
    public long Unanswered { get; private set; }

    /// <summary>Sends, receives and checks until the time is over and the replies are in. All times are timestamps.</summary>
    public void Run(long start, long from, long until)
    {
        (_from, _until) = (from, until);
        if (_options.Rate is { } rate)
        {
            _schedule = new Schedule(start, rate * _links.Length / _options.Connections, _links.Length);
        }
        else
        {
            foreach (var link in _links)
            {
                Grant(link, _options.Depth, start);
            }
        }

        var last = (Replies: 0L, At: start);
        for (var now = start; IsTime(now) && !_abandoned; now = Stopwatch.GetTimestamp())
        {
            Step(_schedule is null ? _options.Spin ? 0 : 100 : SendDue(now));
            if (_replies != last.Replies)
            {
                last = (_replies, now);
            }
            else if (_schedule is null && now - last.At > Patience)
            {
                throw new TimeoutException($"No reply for {Patience / Stopwatch.Frequency} s, {_outstanding} are awaited.");
            }
        }

        if (_schedule is not null && !_abandoned)
        {
            // What was due before the end and found this thread without a processor is late, and not left out.
            SendDue(until);
        }

        Finish();
    }

    /// <summary>Makes Run return soon, from any thread: another worker has failed.</summary>
    public void Abandon() => _abandoned = true;

    public void Dispose()
    {
        _poller.Dispose();
        foreach (var link in _links)
        {
            link.Dispose();
        }
    }

    private void Step(int milliseconds)
    {
        var count = _poller.Wait(_ready, milliseconds);
        for (var i = 0; i < count; i++)
        {
            var ready = _ready[i];
            if (ready.Write)
            {
                ready.Link.Tls?.Flush(_poller, ready.Link);
            }

            if (ready.Write && ready.Link.Quota > 0)
            {
                Write(ready.Link);
            }

            if (ready.Read)
            {
                Read(ready.Link, ready.HungUp);
            }
        }
    }

    /// <summary>
    /// Sends what is due by now, and tells for how many milliseconds nothing will be: 0 when it is too close to be slept for.
    /// </summary>
    private int SendDue(long now)
    {
        while (true)
        {
            var due = _schedule!.DueAt(_next);
            if (due > now || due >= _until)
            {
                return (int)Math.Max(0, ((Math.Min(due, _until) - now) * 1000 / Stopwatch.Frequency) - 1);
            }

            Grant(_links[_schedule.PlaceOf(_next)], 1, now);
            _next++;
        }
    }

    /// <summary>Lets a link send so many messages more.</summary>
    private void Grant(Link link, int count, long now)
    {
        if (link.SentAt.Length > 0)
        {
            var sentAt = link.SentAt;
            var first = link.Sent + link.Quota;
            for (var i = 0; i < count; i++)
            {
                sentAt[(first + i) & (sentAt.Length - 1)] = now;
            }
        }

        link.Quota += count;
        _outstanding += link.Excluded ? 0 : count;
        Write(link);
    }

    private void Write(Link link)
    {
        while (link.Quota > 0)
        {
            var frames = _traffic.Write(link.Index, link.Sent, Math.Min(link.Quota, _traffic.Slots));
            var sent = _poller.Send(link, frames[link.SentOfNext..]);
            if (sent == Poller.WouldBlock)
            {
                return;
            }

            var (whole, rest) = Math.DivRem(link.SentOfNext + sent, _traffic.FrameLength);
            link.Sent += whole;
            link.Quota -= whole;
            link.SentOfNext = rest;
        }
    }

    private void Read(Link link, bool hungUp)
    {
        while (_poller.Receive(link, _buffer) is var count && count != Poller.WouldBlock)
        {
            if (count == 0)
            {
                throw new IOException($"The server closed connection {link.Index} after {link.Received} replies.");
            }

            var complete = _traffic.Check(link, _buffer.AsSpan(0, count));
            if (complete > 0)
            {
                Count(link, complete, Stopwatch.GetTimestamp());
            }

            // A short read has emptied the socket, unless the end of the stream is already there.
            if (count < _buffer.Length && !hungUp)
            {
                return;
            }
        }
    }

    private void Count(Link link, int complete, long now)
    {
        if (!link.Excluded)
        {
            Record(link, complete, now);
            _outstanding -= complete;
            Volatile.Write(ref _replies, _replies + complete);
        }

        // Several messages leave in one send: half of the depth is waited for.
        var free = _options.Depth - (int)(link.Sent + link.Quota - link.Received);
        if (_schedule is null && !_over && free >= Math.Max(1, _options.Depth / 2))
        {
            Grant(link, free, now);
        }
    }

    /// <summary>Replies that were sent, or due, at the same time are one entry.</summary>
    private void Record(Link link, int complete, long now)
    {
        long since = 0, same = 0;
        var sentAt = link.SentAt;
        for (var number = link.Received - complete; number < link.Received; number++)
        {
            var began = _schedule is null ? sentAt[number & (sentAt.Length - 1)] : _schedule.DueAt(_schedule.MessageOf(link.Place, number));
            if (!IsMeasured(began, now))
            {
                continue;
            }

            if (same > 0 && began != since)
            {
                Latencies.Record(now - since, same);
                same = 0;
            }

            since = began;
            same++;
        }

        if (same > 0)
        {
            Latencies.Record(now - since, same);
        }
    }

    /// <summary>In closed loop what arrives in the time is measured; in open loop what is due in it, however late it comes.</summary>
    private bool IsMeasured(long began, long now) => _schedule is null ? now >= _from && (now < _until || Latencies.Count == 0) : began >= _from && began < _until;

    /// <summary>In closed loop, a machine that stands still for the whole time is waited for: until one reply is measured.</summary>
    private bool IsTime(long now) => now < _until || (_schedule is null && Latencies.Count == 0 && _outstanding > 0);

    /// <summary>Waits for the replies that are under way: they are checked too.</summary>
    private void Finish()
    {
        _over = true;
        if (_schedule is null)
        {
            foreach (var link in _links)
            {
                var begun = link.SentOfNext > 0 ? 1 : 0;
                _outstanding -= link.Excluded ? 0 : link.Quota - begun;
                link.Quota = begun;
            }
        }

        while (_outstanding > 0 && !_abandoned && Stopwatch.GetTimestamp() < _until + Patience)
        {
            Step(10);
        }

        if (_outstanding == 0 || _abandoned)
        {
            return;
        }

        if (_schedule is null)
        {
            throw new TimeoutException($"{_outstanding} replies did not come in {Patience / Stopwatch.Frequency} s.");
        }

        CountUnanswered();
    }

    /// <summary>Leaving out the slowest would flatter the server: they are as late as they are by now.</summary>
    private void CountUnanswered()
    {
        var now = Stopwatch.GetTimestamp();
        foreach (var link in _links.Where(link => !link.Excluded))
        {
            for (var number = link.Received; number < link.Sent + link.Quota; number++)
            {
                var due = _schedule!.DueAt(_schedule.MessageOf(link.Place, number));
                if (IsMeasured(due, now))
                {
                    Latencies.Record(now - due, 1);
                    Unanswered++;
                }
            }
        }
    }
}
