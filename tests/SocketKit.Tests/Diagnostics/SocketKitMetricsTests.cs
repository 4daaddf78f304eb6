using System.Net.Sockets;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

/// <summary>Each instrument, as a listener sees it: on an in-memory network, in virtual time.</summary>
[Collection(ListeningTests.Name)]
public partial class SocketKitMetricsTests
{
    private readonly string _name = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Active_connections_are_those_that_the_server_has_when_it_is_asked()
    {
        using var active = new Metric<long>("socketkit.server.active_connections", _name);
        await using var bed = await StartAsync();
        var peers = new List<RawPeer>();
        for (var count = 0; count < 3; count++)
        {
            peers.Add(await bed.ConnectRawAsync());
        }

        bed.Network.Settle();
        var measured = active.Observe().Should().ContainSingle().Which;
        measured.Value.Should().Be(3);
        measured.Tags.Should().BeEquivalentTo(new Dictionary<string, object?> { ["socketkit.role"] = "server", ["socketkit.name"] = _name });
        active.Instrument.Unit.Should().Be("{connection}");

        await peers[0].DisposeAsync();
        bed.Network.Settle();
        active.Observe().Single().Value.Should().Be(2);
        await bed.DisposeAsync();
        active.Observe().Single().Value.Should().Be(0);
    }

    [Fact]
    public async Task Two_servers_of_one_name_are_counted_together_and_unnamed_ones_apart()
    {
        using var active = new Metric<long>("socketkit.server.active_connections", _name);
        await using var one = await StartAsync();
        await using var two = await StartAsync();
        await using var unnamed = await new TestBed().StartAsync();
        await using var first = await one.ConnectRawAsync();
        await using var second = await two.ConnectRawAsync();
        await using var third = await unnamed.ConnectRawAsync();

        active.Observe().Single().Value.Should().Be(2);
    }

    [Fact]
    public async Task The_duration_of_a_connection_says_what_ended_it()
    {
        using var duration = new Metric<double>("socketkit.connection.duration", _name);
        await using var bed = await StartAsync(options => options.MaxFrameLength = 10);
        await using (var peer = await bed.ConnectRawAsync())
        {
            bed.Advance(5);
            await peer.FinishAsync();
            await bed.Sessions.Single().ClosedCall;
        }

        await using var other = await bed.ConnectRawAsync();
        await other.SendAsync("longer than ten bytes\n");
        await other.FinishAsync();
        await bed.Sessions.Last().ClosedCall;

        duration.Instrument.Unit.Should().Be("s");
        duration.All.Should().HaveCount(2);
        duration.All[0].Value.Should().BeApproximately(5, 0.2);
        duration.All[0].Tags["error.type"].Should().Be("PeerClosed");
        duration.All[1].Value.Should().BeLessThan(1);
        duration.All[1].Tags["error.type"].Should().Be("FrameTooLarge");
    }

    [Fact]
    public async Task Protocol_errors_are_counted_by_kind()
    {
        using var errors = new Metric<long>("socketkit.protocol.errors", _name);
        await using var bed = await StartAsync(options => options.MaxFrameLength = 10);
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("longer than ten bytes\n");
        await peer.FinishAsync();
        await bed.Session.ClosedCall;

        var error = errors.All.Should().ContainSingle().Which;
        error.Value.Should().Be(1);
        error.Tags["error.type"].Should().Be("FrameTooLarge");
        error.Tags["socketkit.role"].Should().Be("server");
    }

    [Fact]
    public async Task Rejected_connections_are_counted()
    {
        using var rejected = new Metric<long>("socketkit.server.rejected_connections", _name);
        using var active = new Metric<long>("socketkit.server.active_connections", _name);
        await using var bed = await StartAsync(options => options.MaxConnections = 1);
        await using var peer = await bed.ConnectRawAsync();
        await using var refused = await bed.ConnectRawAsync();
        await refused.EndsAsync();
        bed.Network.Settle();

        rejected.All.Sum(measurement => measurement.Value).Should().Be(1);
        active.Observe().Single().Value.Should().Be(1, "a refused one was never active");
    }

    [Fact]
    public async Task Failed_accepts_are_counted_by_what_failed()
    {
        using var errors = new Metric<long>("socketkit.accept.errors", _name);
        await using var bed = new TestBed();
        var listener = new WatchedListener(bed.Network.Listen("flaky"));
        listener.Failures.Enqueue(new SocketException((int)SocketError.TooManyOpenSockets));
        listener.Failures.Enqueue(new InvalidOperationException("odd"));
        await bed.StartAsync(configure: options =>
        {
            options.Name = _name;
            options.Listeners.Add(listener);
        });
        bed.Advance(1);

        await Eventually.TrueAsync(() => errors.All.Count == 2);
        errors.All.Select(measurement => measurement.Tags["error.type"]).Should().Equal("TooManyOpenSockets", "InvalidOperationException");
    }

    [Fact]
    public async Task Heartbeats_that_stay_out_are_counted_and_round_trips_measured()
    {
        using var timeouts = new Metric<long>("socketkit.heartbeat.timeouts", _name);
        using var roundTrips = new Metric<double>("socketkit.heartbeat.round_trip", _name);
        await using var bed = await StartAsync(options => options.Heartbeat = new PingPongHeartbeat("ping", "pong"));
        await using var peer = await bed.ConnectRawAsync();
        bed.Advance(10.5);
        (await peer.ReceiveAsync()).Should().Be("ping\n");
        bed.Advance(0.2);
        await peer.SendAsync("pong\n");
        bed.Network.Settle();

        roundTrips.All.Should().ContainSingle().Which.Value.Should().BeInRange(0.2, 0.8);
        roundTrips.Instrument.Unit.Should().Be("s");
        timeouts.All.Should().BeEmpty();
        bed.Advance(40);
        (await bed.Session.ClosedCall).Kind.Should().Be(CloseKind.HeartbeatTimeout);
        timeouts.All.Sum(measurement => measurement.Value).Should().Be(1);
    }

    [Fact]
    public async Task A_client_is_in_one_state_until_it_is_disposed_of_and_its_reconnects_are_counted()
    {
        using var states = new Metric<long>("socketkit.client.state", _name);
        using var reconnects = new Metric<long>("socketkit.client.reconnects", _name);
        await using var bed = await new TestBed().StartAsync();
        var client = await bed.ConnectAsync(options =>
        {
            options.Name = _name;
            options.Reconnect = new BackoffReconnect(first: TimeSpan.FromSeconds(1), cap: TimeSpan.FromSeconds(1));
        });
        StatesNow().Should().Equal(("disconnected", 0), ("connecting", 0), ("connected", 1), ("waiting", 0));
        states.Instrument.Unit.Should().Be("{client}");

        bed.Network.Reset(bed.Session.Connection.RemoteEndPoint!);
        bed.Network.Settle();
        StatesNow().Should().Contain(("waiting", 1)).And.Contain(("connected", 0));
        bed.Advance(2);
        StatesNow().Should().Contain(("connected", 1)).And.Contain(("waiting", 0));
        var again = reconnects.All.Should().ContainSingle().Which;
        again.Tags["error.type"].Should().Be("PeerReset");
        again.Tags["socketkit.role"].Should().Be("client");

        await client.DisconnectAsync().Soon();
        StatesNow().Should().Contain(("disconnected", 1)).And.Contain(("connected", 0));
        await client.DisposeAsync();
        StatesNow().Should().OnlyContain(state => state.Count == 0);

        (string, long Count)[] StatesNow() => [.. states.Observe().Select(measurement => ((string)measurement.Tags["socketkit.client.state"]!, measurement.Value))];
    }

    [Fact]
    public async Task Discarded_bytes_late_responses_and_dropped_messages_have_the_name()
    {
        using var discarded = new Metric<long>("socketkit.connection.discarded", _name);
        using var late = new Metric<long>("socketkit.request.late_responses", _name);
        using var dropped = new Metric<long>("socketkit.client.dropped_messages", _name);
        await using var bed = await StartAsync(options =>
        {
            options.Framer = Framers.Enclosed("<", ">");
            options.RequestTimeout = TimeSpan.FromSeconds(2);
        });
        await using var peer = await bed.ConnectRawAsync();
        await peer.SendAsync("noise");
        await peer.SendAsync("<m>");
        bed.Network.Settle();
        var request = bed.Session.Connection.RequestAsync("1").AsTask();
        bed.Advance(2.2);
        await request.Invoking(task => task.Soon()).Should().ThrowAsync<RequestTimeoutException>();
        await peer.SendAsync("<late>");
        bed.Network.Settle();

        discarded.All.Sum(measurement => measurement.Value).Should().Be(5);
        late.All.Sum(measurement => measurement.Value).Should().Be(1);

        await using var flood = await new TestBed().StartAsync();
        await using var client = await flood.ConnectAsync(options => options.Name = _name);
        for (var count = 0; count < 300; count++)
        {
            await flood.Session.Connection.SendAsync("m"u8.ToArray());
        }

        flood.Network.Settle();
        dropped.All.Sum(measurement => measurement.Value).Should().Be(300 - 256);
    }

    [Fact]
    public async Task No_instrument_has_a_peer_in_its_attributes()
    {
        var tags = new HashSet<string>();
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        listener.InstrumentPublished = (instrument, all) =>
        {
            if (instrument.Meter.Name == "SocketKit")
            {
                all.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, _, attributes, _) => Note(attributes));
        listener.SetMeasurementEventCallback<double>((_, _, attributes, _) => Note(attributes));
        listener.Start();
        await using (var bed = await StartAsync(options => options.MaxConnections = 1))
        {
            await using var peer = await bed.ConnectRawAsync();
            await using var refused = await bed.ConnectRawAsync();
            await peer.SendAsync("x\n");
            await peer.ReceiveAsync(2);
            listener.RecordObservableInstruments();
        }

        tags.Should().Contain("socketkit.name").And.BeSubsetOf(
            ["socketkit.role", "socketkit.name", "error.type", "network.io.direction", "socketkit.client.state", "socketkit.tls.certificate.name", "tls.protocol.version", "socketkit.observer"]);

        void Note(ReadOnlySpan<KeyValuePair<string, object?>> attributes)
        {
            lock (tags)
            {
                foreach (var attribute in attributes)
                {
                    tags.Add(attribute.Key);
                }
            }
        }
    }

    [Fact]
    public void Names_beyond_the_most_are_counted_without()
    {
        var register = new SocketKit.Diagnostics.OwnerMetrics.Register(mostNames: 3);
        var named = Enumerable.Range(0, 3).Select(number => register.Of("server", $"{number}")).ToArray();
        var beyond = register.Of("server", "3");

        named.Select(owner => owner.Name).Should().Equal("0", "1", "2");
        beyond.Name.Should().BeNull();
        register.Of("server", "4").Should().BeSameAs(beyond);
        register.Of("client", "5").Name.Should().BeNull();
        register.Of("server", "1").Should().BeSameAs(named[1]);
        register.Known.Should().HaveCount(5);
    }

    [Theory]
    [InlineData("")]
    [InlineData(101)]
    public async Task A_name_that_is_empty_or_too_long_is_refused(object name)
    {
        var start = () => StartAsync(options => options.Name = name as string ?? new string('x', (int)name));
        (await start.Should().ThrowAsync<OptionsException>()).WithMessage("SocketServerOptions.Name*100*");
    }

    private Task<TestBed> StartAsync(Action<SocketServerOptions>? configure = null, Func<IConnection, ReadOnlyMemory<byte>, ValueTask>? onMessage = null, int capacity = 64 * 1024) =>
        new TestBed(capacity).StartAsync(onMessage, options =>
        {
            options.Name = _name;
            configure?.Invoke(options);
        });
}
