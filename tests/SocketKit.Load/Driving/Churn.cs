using System.Diagnostics;
using System.Net;

namespace SocketKit.Load.Driving;

/// <summary>What short connections brought forth.</summary>
/// <param name="Latency">From before connecting to the reply.</param>
internal sealed record ChurnResult(double ConnectionsPerSecond, Latency Latency, double? ServerMicrosecondsPerConnection);

/// <summary>Connections that live for one echo: connect, send, receive, close.</summary>
internal sealed class Churn(EndPoint server, int atOnce, int size) : IDisposable
{
    // Closed connections keep their client ports for a while; the ports of several addresses last for many more connections.
    private const int Addresses = 16;
    private const int Patience = 10_000;

    private readonly Traffic _traffic = new(size, slots: 1);
    private readonly Poller _poller = Poller.Create();
    private readonly Dictionary<Link, long> _began = [];
    private readonly byte[] _buffer = new byte[size + 5];
    private int _opened;

    /// <exception cref="TimeoutException">No reply came for 10 s.</exception>
    public ChurnResult Run(TimeSpan warmUp, TimeSpan time, IServerProbe? probe)
    {
        Replace(warmUp, null);
        var before = probe?.ProcessorTime;
        var latencies = new Latencies();
        var began = Stopwatch.GetTimestamp();
        var connections = Replace(time, latencies);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return new ChurnResult(connections / seconds, latencies.Summary(), (probe?.ProcessorTime - before)?.TotalMicroseconds / connections);
    }

    public void Dispose()
    {
        foreach (var link in _began.Keys)
        {
            link.Dispose();
        }

        _poller.Dispose();
    }

    private long Replace(TimeSpan time, Latencies? latencies)
    {
        var served = 0L;
        var ready = new Ready[atOnce];
        for (var began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < time;)
        {
            while (_began.Count < atOnce)
            {
                Open();
            }

            var count = _poller.Wait(ready, Patience);
            if (count == 0)
            {
                throw new TimeoutException($"No reply for {Patience / 1000} s.");
            }

            for (var i = 0; i < count; i++)
            {
                if (ready[i].Read && IsServed(ready[i].Link))
                {
                    served++;
                    latencies?.Record(Stopwatch.GetTimestamp() - _began[ready[i].Link], 1);
                    Close(ready[i].Link);
                }
            }
        }

        return served;
    }

    private void Open()
    {
        var began = Stopwatch.GetTimestamp();
        var link = Link.Connect(server, _opened, 1 + (_opened % Addresses));
        _opened = (_opened + 1) & 0xFFFFFF;
        _began.Add(link, began);
        _poller.Add(link);
        var frame = _traffic.Write(link.Index, 0, 1);
        if (_poller.Send(link, frame) != frame.Length)
        {
            throw new IOException($"A new connection takes no message of {frame.Length} bytes.");
        }
    }

    private bool IsServed(Link link)
    {
        var received = _poller.Receive(link, _buffer);
        return received switch
        {
            Poller.WouldBlock => false,
            0 => throw new IOException("The server closed a connection before its reply."),
            _ => _traffic.Check(link, _buffer.AsSpan(0, received)) == 1,
        };
    }

    private void Close(Link link)
    {
        _poller.Remove(link);
        _began.Remove(link);
        link.Dispose();
    }
}
