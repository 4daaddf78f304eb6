using System.Diagnostics;
using System.Net;

namespace SocketKit.Load.Driving;

/// <summary>Many connections that mostly do nothing. Not thread-safe.</summary>
/// <param name="server">Whom they connect to.</param>
/// <param name="size">Bytes of a message.</param>
/// <param name="beat">The frame that is a heartbeat, in both directions; null: there are none.</param>
internal sealed class Crowd(EndPoint server, int size, byte[]? beat = null) : IDisposable
{
    // So many connect at once, so that no listener's queue overflows.
    private const int Batch = 128;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Traffic _traffic = new(size, slots: 1);
    private readonly Poller _poller = Poller.Create();
    private readonly List<Link> _links = [];
    private readonly byte[] _buffer = new byte[64 * 1024];

    public int Count => _links.Count;

    /// <summary>Connects so many more.</summary>
    /// <param name="greet">Each has one message echoed.</param>
    /// <exception cref="TimeoutException">An echo is missing.</exception>
    public void Join(int count, bool greet)
    {
        OpenFiles.RequireFor(_links.Count + count);
        while (count > 0)
        {
            var batch = Math.Min(count, Batch);
            for (var i = 0; i < batch; i++)
            {
                var link = Link.Connect(server, _links.Count);
                _links.Add(link);
                _poller.Add(link);
                if (greet)
                {
                    Send(link);
                }
            }

            if (greet)
            {
                Await(batch, writer: null);
            }

            count -= batch;
        }
    }

    /// <summary>The first one sends a message, and everyone gets it: the time until the last has it.</summary>
    /// <exception cref="TimeoutException">Somebody did not get it.</exception>
    public TimeSpan FanOut()
    {
        var began = Stopwatch.GetTimestamp();
        Send(_links[0]);
        Await(_links.Count, _links[0]);
        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>For so long nobody says anything but heartbeats, each once in an interval.</summary>
    /// <returns>How many heartbeats came from the server.</returns>
    /// <exception cref="InvalidDataException">Something else came.</exception>
    /// <exception cref="InvalidOperationException">There are no heartbeats.</exception>
    public long Idle(TimeSpan time, TimeSpan interval)
    {
        _ = beat ?? throw new InvalidOperationException("This crowd knows no heartbeat.");
        var beats = 0L;
        var began = Stopwatch.GetTimestamp();
        for (var turn = 0L; ; turn++)
        {
            var due = turn * (interval / _links.Count);
            if (due >= time)
            {
                return beats;
            }

            var early = due - Stopwatch.GetElapsedTime(began);
            if (early > Tick)
            {
                Thread.Sleep(early);
            }

            var link = _links[(int)(turn % _links.Count)];
            if (_poller.Send(link, beat) != beat.Length)
            {
                throw new IOException($"Connection {link.Index} takes no heartbeat.");
            }

            beats += CountBeats(link);
        }
    }

    /// <summary>Closes all connections.</summary>
    public void Leave()
    {
        foreach (var link in _links)
        {
            _poller.Remove(link);
            link.Dispose();
        }

        _links.Clear();
    }

    public void Dispose()
    {
        Leave();
        _poller.Dispose();
    }

    private void Send(Link link)
    {
        var frame = _traffic.Write(link.Index, link.Sent, 1);
        if (_poller.Send(link, frame) != frame.Length)
        {
            throw new IOException($"Connection {link.Index} takes no message of {frame.Length} bytes.");
        }

        link.Sent++;
    }

    /// <summary>Waits for so many messages, which each link wrote itself if no writer is named.</summary>
    private void Await(int messages, Link? writer)
    {
        var ready = new Ready[_links.Count];
        for (var began = Stopwatch.GetTimestamp(); messages > 0;)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
            {
                throw new TimeoutException($"{messages} messages did not come in {Patience.TotalSeconds} s.");
            }

            var count = _poller.Wait(ready, 100);
            for (var i = 0; i < count; i++)
            {
                if (ready[i].Read)
                {
                    messages -= Read(ready[i].Link, writer);
                }
            }
        }
    }

    private int CountBeats(Link link)
    {
        var received = _poller.Receive(link, _buffer);
        if (received == 0)
        {
            throw new IOException($"The server closed connection {link.Index}.");
        }

        var arrived = _buffer.AsSpan(0, Math.Max(received, 0));
        var rest = SkipBeats(link, arrived);
        return rest.IsEmpty ? arrived.Length / beat!.Length : throw new InvalidDataException($"Connection {link.Index} got something that is no heartbeat.");
    }

    /// <summary>Those who came early hear heartbeats while others still come.</summary>
    private Span<byte> SkipBeats(Link link, Span<byte> bytes)
    {
        while (beat is not null && link.ReceivedOfNext == 0 && bytes.StartsWith(beat))
        {
            bytes = bytes[beat.Length..];
        }

        return bytes;
    }

    private int Read(Link link, Link? writer)
    {
        for (var complete = 0; ;)
        {
            var received = _poller.Receive(link, _buffer);
            if (received == 0)
            {
                throw new IOException($"The server closed connection {link.Index}.");
            }

            complete += received == Poller.WouldBlock ? 0 : _traffic.Check(link, SkipBeats(link, _buffer.AsSpan(0, received)), (writer ?? link).Index);
            if (received < _buffer.Length)
            {
                return complete;
            }
        }
    }
}
