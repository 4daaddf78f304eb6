using System.Net;
using SocketKit.Load.Driving;
using SocketKit.Load.Measuring;

namespace SocketKit.Load.Tests.Measuring;

public class ServerProcessTests
{
    public static TheoryData<string> Present() => [.. Contender.All.Where(one => one.Missing is null).Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(Present))]
    public async Task Every_server_of_the_comparison_echoes_every_byte_in_a_process_of_its_own(string name)
    {
        var contender = Contender.All.First(one => one.Name == name);
        await using var server = await ServerProcess.StartAsync(contender, processor: Processors.CanPin ? 0 : null).WaitAsync(TimeSpan.FromSeconds(30));
        foreach (var (depth, size) in new[] { (32, 32), (3, 70_000), (1, 1024 * 1024) })
        {
            GreetFirst(server.EndPoint, size);
            var load = new LoadOptions(3, depth, size) { Server = server.EndPoint, WarmUp = TimeSpan.Zero, Time = TimeSpan.FromSeconds(0.5) };

            var result = await Task.Run(() => Driver.Run(load, server)).WaitAsync(TimeSpan.FromSeconds(30));

            result.Messages.Should().BePositive();
        }

        server.WorkingSet.Should().BePositive();
        server.ProcessorTime.Should().BePositive();
    }

    public static TheoryData<string> PresentOverTls() => [.. Contender.All.Where(one => one.MissingOverTls is null).Select(one => one.Name)];

    [Theory]
    [MemberData(nameof(PresentOverTls))]
    public async Task Every_server_that_speaks_TLS_echoes_every_byte_over_it(string name)
    {
        var contender = Contender.All.First(one => one.Name == name).OverTls();
        await using var server = await ServerProcess.StartAsync(contender, processor: null).WaitAsync(TimeSpan.FromSeconds(30));
        server.EndPoint.Should().BeOfType<TlsEndPoint>();
        foreach (var (depth, size) in new[] { (1, 32), (32, 32), (3, 70_000), (1, 1024 * 1024) })
        {
            GreetFirst(server.EndPoint, size);
            var load = new LoadOptions(3, depth, size) { Server = server.EndPoint, WarmUp = TimeSpan.Zero, Time = TimeSpan.FromSeconds(0.5) };

            var result = await Task.Run(() => Driver.Run(load, server)).WaitAsync(TimeSpan.FromSeconds(30));

            result.Messages.Should().BePositive();
        }
    }

    [Fact]
    public async Task A_crowd_over_TLS_is_greeted_and_idle()
    {
        await using var server = await ServerProcess.StartAsync(Contender.All.First(one => one.Name == "sockets"), processor: null, Contender.Tls, "--heartbeat", "1").WaitAsync(TimeSpan.FromSeconds(30));
        using var crowd = new Crowd(server.EndPoint, size: 32, [0, 0, 0, 4, .. "beat"u8]);
        crowd.Join(20, greet: true);

        var beats = await Task.Run(() => crowd.Idle(TimeSpan.FromSeconds(4.5), TimeSpan.FromSeconds(0.5)));

        beats.Should().BeInRange(20, 100);
        server.Stats(collect: true)!.Connections.Should().Be(20);
    }

    [Fact]
    public async Task A_server_tells_about_itself()
    {
        await using var server = await ServerProcess.StartAsync(Contender.All.First(one => one.Name == "sockets"), processor: null).WaitAsync(TimeSpan.FromSeconds(30));
        using var crowd = new Crowd(server.EndPoint, size: 32);
        crowd.Join(10, greet: true);

        var stats = server.Stats(collect: true)!;

        stats.Connections.Should().Be(10);
        stats.ManagedBytes.Should().BePositive().And.BeLessThan(stats.WorkingSet);
        stats.ProcessorMilliseconds.Should().BePositive();
        server.AllocatedBytes.Should().BeGreaterThan(stats.AllocatedBytes);
    }

    [Fact]
    public async Task A_server_that_does_not_start_is_reported()
    {
        var start = () => ServerProcess.StartAsync(Contender.All.First(one => one.Name == "plain"), processor: null, "--port", "70000").WaitAsync(TimeSpan.FromSeconds(30));

        (await start.Should().ThrowAsync<InvalidOperationException>()).WithMessage("plain*does not start*");
    }

    /// <summary>A server compiles itself at its first messages, and may take longer for it than the load runs.</summary>
    private static void GreetFirst(IPEndPoint server, int size)
    {
        using var crowd = new Crowd(server, Math.Min(size, 32 * 1024));
        crowd.Join(3, greet: true);
    }
}
