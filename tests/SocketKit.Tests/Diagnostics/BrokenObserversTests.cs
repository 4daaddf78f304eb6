using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net.Sockets;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

/// <summary>
/// Whoever observes throws at every call of one kind, while everything happens that can happen to connections: only the count of its
/// failures shows it.
/// </summary>
[Collection(ListeningTests.Name)]
[Trait("Fault", "X02")]
public sealed class BrokenObserversTests : IDisposable
{
    private readonly List<IDisposable> _listeners = [];
    private readonly Lock _gate = new();
    private readonly HashSet<string> _measured = [];
    private int _opened;
    private int _closed;

    public static TheoryData<LoggerFault> LoggerFaults => [.. Enum.GetValues<LoggerFault>().Where(fault => fault != LoggerFault.Nowhere)];

    public void Dispose() => _listeners.ForEach(static listener => listener.Dispose());

    [Theory]
    [MemberData(nameof(LoggerFaults))]
    public async Task A_logger_that_throws_at_every_call_is_noticed_by_nobody(LoggerFault fault)
    {
        var logs = new BrokenLogs(fault);
        var before = ObserverFailures.Loggers;

        await EverythingAsync(logs);

        if (fault is LoggerFault.Log or LoggerFault.BeginScope or LoggerFault.ScopeEnd)
        {
            logs.Ids.Keys.Should().Contain([1, 2, 3, 4, 5, 6, 7, 20, 21, 22, 23, 24, 25, 26, 27, 28, 40, 41, 42, 43, 44, 45, 70, 71]);
            logs.Scopes.Should().BeGreaterThan(10);
        }

        (ObserverFailures.Loggers - before).Should().BeGreaterThan(fault == LoggerFault.ScopeEnd ? -1 : 1);
    }

    [Fact]
    public async Task A_listener_that_throws_at_every_measurement_is_noticed_by_nobody()
    {
        var listener = new MeterListener { InstrumentPublished = (instrument, self) => Enable(instrument, self) };
        listener.SetMeasurementEventCallback<long>((instrument, _, _, _) => Measured(instrument));
        listener.SetMeasurementEventCallback<double>((instrument, _, _, _) => Measured(instrument));
        listener.Start();
        _listeners.Add(listener);

        await EverythingAsync(new BrokenLogs(LoggerFault.Nowhere));

        lock (_gate)
        {
            _measured.Should().Contain(
            [
                "socketkit.connection.duration", "socketkit.server.rejected_connections", "socketkit.accept.errors", "socketkit.handler.duration", "socketkit.slow_consumers", "socketkit.protocol.errors",
                "socketkit.connection.discarded", "socketkit.request.late_responses", "socketkit.heartbeat.timeouts", "socketkit.heartbeat.round_trip", "socketkit.client.reconnects", "socketkit.client.dropped_messages",
            ]);
        }

        void Measured(Instrument instrument)
        {
            lock (_gate)
            {
                _measured.Add(instrument.Name);
            }

            throw new FormatException(instrument.Name);
        }

        static void Enable(Instrument instrument, MeterListener self)
        {
            if (instrument.Meter.Name == "SocketKit")
            {
                self.EnableMeasurementEvents(instrument);
            }
        }
    }

    [Theory]
    [InlineData("sample")]
    [InlineData("start")]
    [InlineData("stop")]
    [InlineData("current")]
    public async Task A_listener_to_spans_that_throws_is_noticed_by_nobody(string where)
    {
        var before = ObserverFailures.Activities;
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "SocketKit",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => where == "sample" ? throw new FormatException(where) : ActivitySamplingResult.AllData,
            ActivityStarted = _ => ThrowIf("start"),
            ActivityStopped = _ => ThrowIf("stop"),
        };
        ActivitySource.AddActivityListener(listener);
        _listeners.Add(listener);
        EventHandler<ActivityChangedEventArgs> changed = (_, _) => ThrowIf("current");
        Activity.CurrentChanged += changed;
        try
        {
            await EverythingAsync(new BrokenLogs(LoggerFault.Nowhere));
        }
        finally
        {
            Activity.CurrentChanged -= changed;
        }

        (ObserverFailures.Activities - before).Should().BeGreaterThan(10);

        void ThrowIf(string here)
        {
            if (where == here)
            {
                throw new FormatException(where);
            }
        }
    }

    private async Task EverythingAsync(BrokenLogs logs)
    {
        await KeepSilentAsync(logs);
        var never = Shorthand.Gate();
        var bed = await StartAsync(logs, never);
        await using var witness = await bed.ConnectRawAsync();
        await EchoAsync(bed, witness, "begin");
        await TellAsync(bed, "two lines", "two lines\n");
        await TellAsync(bed, "late", "");
        await TellAsync(bed, "xxxgood", "good\n");
        await TellAsync(bed, "gone", null);
        await TellAsync(bed, "framer", null);
        await TellAsync(bed, new string('a', 2000), null);
        for (var count = 0; count < 12; count++)
        {
            await TellAsync(bed, "throw", null);
        }

        await RefuseAsync(bed);
        await FailToAcceptAsync(bed);
        await RunClientAsync(bed, logs);
        bed.Advance(25);
        await EchoAsync(bed, witness, "end");

        // A handler waits for ever, so the stop must abort it.
        await using var waiting = await bed.ConnectRawAsync();
        await waiting.SendAsync("wait\n");
        bed.Network.Settle();
        var stop = bed.Server.StopAsync();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(3));
        bed.Advance(4);
        await stop.WaitAsync(TestBed.Patience);
        bed.Server.Connections.Count.Should().Be(0);
        never.SetResult();
        await Eventually.TrueAsync(() => Volatile.Read(ref _closed) == Volatile.Read(ref _opened));
        await bed.Server.DisposeAsync().AsTask().WaitAsync(TestBed.Patience);
    }

    /// <summary>Peers that are found dead, answer a heartbeat, and do not read.</summary>
    private static async Task KeepSilentAsync(BrokenLogs logs)
    {
        await using var bed = await new TestBed().StartAsync(
            (connection, message) => message.Text() == "flood" ? Ignore(connection.TrySend(new byte[300_000])) : default,
            options =>
            {
                options.LoggerFactory = logs;
                options.Heartbeat = new PingPongHeartbeat("ping", "pong");
            });
        await using var dead = await bed.ConnectRawAsync();
        await using var alive = await bed.ConnectRawAsync();
        bed.Advance(10.2);
        (await alive.ReceiveAsync(5)).Should().Be("ping\n");
        await alive.SendAsync("pong\n");
        bed.Network.Settle();
        bed.Advance(21);
        bed.Server.Connections.Count.Should().Be(1);
        await alive.SendAsync("flood\n");
        bed.Network.Settle();
        bed.Advance(21);
        bed.Server.Connections.Count.Should().Be(0);
        foreach (var session in bed.Sessions)
        {
            await session.ClosedCall;
        }

        static ValueTask Ignore(bool _) => default;
    }

    private static async Task RefuseAsync(TestBed bed)
    {
        var peers = new List<RawPeer>();
        for (var count = 0; count < 3; count++)
        {
            peers.Add(await bed.ConnectRawAsync());
        }

        bed.Network.Settle();
        await using (var refused = await bed.ConnectRawAsync())
        {
            await refused.EndsAsync();
        }

        foreach (var peer in peers)
        {
            await peer.DisposeAsync();
        }

        bed.Network.Settle();
        bed.Server.Connections.Count.Should().Be(1);
    }

    private static async Task FailToAcceptAsync(TestBed bed)
    {
        bed.Listener.Failures.Enqueue(new SocketException((int)SocketError.TooManyOpenSockets));

        // The accept that waits takes the first, the next one fails.
        await using var first = await bed.ConnectRawAsync();
        bed.Network.Settle();
        bed.Advance(1);
        await using var second = await bed.ConnectRawAsync();
        await EchoAsync(bed, second, "accepted again");
    }

    private static async Task RunClientAsync(TestBed bed, BrokenLogs logs)
    {
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.LoggerFactory = logs;
            options.Reconnect = new ScriptedReconnect(7, 7, 7);
        }));
        client.StateChanged += (_, _) => throw new InvalidOperationException("a subscriber");
        var states = new StateLog(client);
        await client.ConnectAsync().WaitAsync(TestBed.Patience);
        using (var response = await client.RequestAsync("question").AsTask().WaitAsync(TestBed.Patience))
        {
            response.ToString().Should().Be("question");
        }

        await client.SendAsync("gone");
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(7));
        bed.Advance(8);
        await states.EnteredAsync(ClientState.Connected, times: 2);
        for (var count = 0; count < 300; count++)
        {
            await client.SendAsync("more than anybody reads").AsTask().WaitAsync(TestBed.Patience);
        }

        bed.Network.Settle();
        await client.DisconnectAsync().WaitAsync(TestBed.Patience);
        client.State.Should().Be(ClientState.Disconnected);
        bed.Network.Settle();

        await using var hopeless = new SocketClient(bed.ClientOptions(options =>
        {
            options.LoggerFactory = logs;
            options.Dialer = bed.Network.Dial("nobody");
            options.Reconnect = new BrokenPolicy();
        }));
        var connect = () => hopeless.ConnectAsync().WaitAsync(TestBed.Patience);
        await connect.Should().ThrowAsync<ConnectException>();
    }

    private async Task<TestBed> StartAsync(BrokenLogs logs, TaskCompletionSource never)
    {
        var lines = Framers.Lines();
        return await new TestBed().StartAsync(
            _ => new TestHandler
            {
                Connected = _ =>
                {
                    Interlocked.Increment(ref _opened);
                    return default;
                },
                Message = (connection, message) => OnMessage(connection, message, never.Task),
                Closed = (_, _) =>
                {
                    Interlocked.Increment(ref _closed);
                    return default;
                },
            },
            options =>
            {
                options.LoggerFactory = logs;
                options.MaxConnections = 4;
                options.MaxFrameLength = 1000;
                options.DrainTimeout = TimeSpan.FromSeconds(3);
                options.ReadCorrelationId = static message => message.SequenceEqual("late"u8) ? ResponseMatch.Id(7) : ResponseMatch.None;
                options.Framer = new TestFramer
                {
                    OnRead = (input, resume) => input switch
                    {
                        [(byte)'x', ..] => Frame.Discard(1),
                        _ when input.StartsWith("framer"u8) => throw new NotSupportedException("a framer"),
                        _ => lines.Read(input, resume),
                    },
                };
            });
    }

    private static ValueTask OnMessage(IConnection connection, ReadOnlyMemory<byte> message, Task never)
    {
        switch (message.Text())
        {
            case "throw":
                throw new InvalidOperationException("a handler");
            case "two lines":
                connection.TrySend("a\nb"u8.ToArray()).Should().BeFalse();
                return connection.SendAsync(message);
            case "gone":
                connection.Abort();
                return connection.SendAsync(message);
            case "wait":
                return new ValueTask(never);
            default:
                return connection.SendAsync(message);
        }
    }

    private static async Task EchoAsync(TestBed bed, RawPeer peer, string text)
    {
        await peer.SendAsync(text + "\n");
        (await peer.ReceiveAsync(text.Length + 1)).Should().Be(text + "\n");
        bed.Network.Settle();
    }

    /// <summary>One connection that says something.</summary>
    /// <param name="bed">Where.</param>
    /// <param name="text">What.</param>
    /// <param name="answer">What it gets; null: the connection ends.</param>
    private static async Task TellAsync(TestBed bed, string text, string? answer)
    {
        await using (var peer = await bed.ConnectRawAsync())
        {
            bed.Network.Settle();
            bed.Listener.Wires[^1].FinishFailure = text == "two lines" ? new IOException("no end") : null;
            await peer.SendAsync(text + "\n");
            if (answer is null)
            {
                await peer.EndsAsync();
            }
            else
            {
                (await peer.ReceiveAsync(answer.Length)).Should().Be(answer);
                await peer.FinishAsync();
            }

            bed.Network.Settle();
        }

        bed.Network.Settle();
        bed.Server.Connections.Count.Should().Be(1, "after {0} only the witness is there", text);
    }

    private sealed class BrokenPolicy : IReconnectPolicy
    {
        public TimeSpan? NextDelay(int attempt, CloseReason reason) => throw new InvalidOperationException("a policy");
    }
}
