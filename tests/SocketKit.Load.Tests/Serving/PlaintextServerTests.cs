using System.Net;
using SocketKit.Load.Driving;
using SocketKit.Load.Serving;

namespace SocketKit.Load.Tests.Serving;

public class PlaintextServerTests
{
    // The server shares the pool with the test runner: with two threads, as on two processors, it waits for a third longer than is
    // measured.
    static PlaintextServerTests() => ThreadPool.SetMinThreads(8, 8);

    public static TheoryData<string, int> KindsAndDepths()
    {
        var data = new TheoryData<string, int>();
        foreach (var kind in ServeOptions.HttpKinds)
        {
            data.Add(kind, 1);
            data.Add(kind, 16);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(KindsAndDepths))]
    public async Task Both_transports_answer_every_request(string kind, int depth)
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions(kind));
        var endPoint = new IPEndPoint(IPAddress.Loopback, server.Port);

        using var client = new HttpClient();
        (await client.GetStringAsync(new Uri($"http://{endPoint}/plaintext"))).Should().Be("Hello, World!");

        // A server compiles itself at its first requests, and may take longer for it than is measured.
        var load = LoadOptions.Http(connections: 4, depth) with { Server = endPoint, WarmUp = TimeSpan.FromSeconds(1), Time = TimeSpan.FromSeconds(0.5) };
        var result = await DriveAsync(load);

        result.Messages.Should().BePositive();
        result.Depth.Should().Be(depth);
    }

    [Fact]
    public async Task Http_is_for_the_load_of_other_systems_too()
    {
        await using var server = await ServeCommand.StartAsync(new ServeOptions(ServeOptions.Http));
        var endPoint = new IPEndPoint(IPAddress.Loopback, server.Port);
        using var client = new HttpClient();
        await client.GetStringAsync(new Uri($"http://{endPoint}/plaintext"));
        var load = LoadOptions.Http(connections: 4, depth: 2) with { Server = endPoint, Portable = true, WarmUp = TimeSpan.FromSeconds(1), Time = TimeSpan.FromSeconds(0.5) };

        var result = await DriveAsync(load);

        result.Messages.Should().BePositive();
    }

    // On a thread of its own: one that waits in the pool is missing to the server, which is in the same process.
    private static Task<LoadResult> DriveAsync(LoadOptions load) =>
        Task.Factory.StartNew(() => Driver.Run(load), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(60));
}
