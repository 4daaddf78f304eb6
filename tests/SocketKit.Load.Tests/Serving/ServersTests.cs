using System.Net;
using SocketKit.Load.Driving;
using SocketKit.Load.Serving;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Load.Tests.Serving;

public class ServersTests
{
    public static TheoryData<string, int, int> KindsAndLoads()
    {
        var data = new TheoryData<string, int, int>();
        foreach (var kind in ServeOptions.EchoKinds)
        {
            data.Add(kind, 32, 32);
            data.Add(kind, 70_000, 3);
            data.Add(kind, 0, 2);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(KindsAndLoads))]
    public async Task Every_kind_echoes_every_byte(string kind, int size, int depth)
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions(kind));

        var result = await DriveAsync(server, new LoadOptions(4, depth, size));

        result.Messages.Should().BePositive();
    }

    [Fact]
    public async Task The_load_of_other_systems_than_Linux_checks_every_byte_too()
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions("batched"));

        foreach (var load in new LoadOptions[] { new(8, 32, 32), new(3, 4, 300_000), new(4, 1, 32) { Rate = 200 } })
        {
            var result = await DriveAsync(server, load with { Portable = true, Threads = 2 });

            result.Messages.Should().BePositive();
            result.Unanswered.Should().Be(0);
        }
    }

    [Theory]
    [InlineData("async")]
    [InlineData("block")]
    public async Task The_other_handlers_echo_every_byte_too(string handler)
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions("socketkit", Handler: handler, BlockEvery: 4, BlockMilliseconds: 1));

        var result = await DriveAsync(server, new LoadOptions(8, 4, 32));

        result.Messages.Should().BePositive();
    }

    [Fact]
    public async Task One_in_so_many_connections_blocks()
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions("socketkit", Handler: "block", BlockEvery: 2, BlockMilliseconds: 30));

        var result = await DriveAsync(server, new LoadOptions(1, 1, 32));

        result.Latency.P50.Should().BeGreaterThan(30_000);
    }

    [Fact]
    public async Task Who_sends_heartbeats_stays_and_gets_them()
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions("socketkit", Heartbeat: 1));
        using var crowd = Beating(server);
        crowd.Join(20, greet: true);

        // Longer than the server's patience of 3 s.
        var beats = await Task.Run(() => crowd.Idle(TimeSpan.FromSeconds(4.5), TimeSpan.FromSeconds(0.5)));

        beats.Should().BeInRange(20, 100);
        server.Connections.Should().Be(20);
    }

    [Fact]
    public async Task Who_came_early_hears_heartbeats_while_others_come()
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions("socketkit", Heartbeat: 2));
        using Crowd slow = Beating(server), other = Beating(server);
        slow.Join(10, greet: true);
        other.Join(1, greet: true);
        var beats = await Task.Run(() => other.Idle(TimeSpan.FromSeconds(4.4), TimeSpan.FromSeconds(0.5)));

        slow.Join(10, greet: true);

        beats.Should().BePositive();
        server.Connections.Should().Be(21);
    }

    [Fact]
    public async Task A_broadcast_reaches_everyone()
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions("socketkit", Handler: "broadcast"));
        using var crowd = new Crowd(new IPEndPoint(IPAddress.Loopback, server.Port), size: 32);
        crowd.Join(50, greet: false);
        await Eventually.TrueAsync(() => server.Connections == 50);
        crowd.FanOut().Should().BePositive();
        crowd.FanOut().Should().BePositive();
    }

    [Fact]
    public async Task Connections_come_and_go()
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions("socketkit"));
        using var churn = new Churn(new IPEndPoint(IPAddress.Loopback, server.Port), atOnce: 4, size: 32);

        var result = await Task.Run(() => churn.Run(TimeSpan.Zero, TimeSpan.FromSeconds(0.8), probe: null)).WaitAsync(TimeSpan.FromSeconds(30));

        result.ConnectionsPerSecond.Should().BePositive();
        result.Latency.P50.Should().BePositive();
    }

    [Fact]
    public async Task An_engine_that_is_missing_says_so()
    {
        foreach (var engine in EngineChoice.Names)
        {
            var start = async () =>
            {
                await using var server = await ServeCommand.StartAsync(new ServeOptions("socketkit", engine));
            };

            if (EngineChoice.Missing(engine) is { } reason)
            {
                (await start.Should().ThrowAsync<NotSupportedException>()).WithMessage($"*{engine}*{reason}*");
            }
            else
            {
                await start.Should().NotThrowAsync();
            }
        }
    }

    private static Task<LoadResult> DriveAsync(IMeasuredServer server, LoadOptions load) => Task.Run(() =>
    {
        var endPoint = new IPEndPoint(IPAddress.Loopback, server.Port);

        // A server compiles itself at its first messages, and may take longer for it than the load runs.
        using var crowd = new Crowd(endPoint, size: 32);
        crowd.Join(4, greet: true);
        return Driver.Run(load with { Server = endPoint, WarmUp = TimeSpan.Zero, Time = TimeSpan.FromSeconds(0.5) });
    }).WaitAsync(TimeSpan.FromSeconds(60));

    private static Crowd Beating(IMeasuredServer server) => new(new IPEndPoint(IPAddress.Loopback, server.Port), size: 32, [0, 0, 0, 4, .. "beat"u8]);
}
