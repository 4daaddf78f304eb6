using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Xunit.Abstractions;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>What holds when peers die, in plain as over TLS.</summary>
internal static class PeerDeaths
{
    /// <summary>Resets so many connections, some at a time: each is one closed event and no error.</summary>
    /// <param name="server">The server.</param>
    /// <param name="resets">How many.</param>
    /// <param name="connect">Connects one, and brings it to where it is reset.</param>
    /// <param name="insideSend">The server is sending then.</param>
    public static async Task ResetAsync(TestServer server, int resets, Func<Task<RawPeer>> connect, bool insideSend)
    {
        const int atOnce = 20;
        var unobserved = 0;
        EventHandler<UnobservedTaskExceptionEventArgs> note = (_, _) => Interlocked.Increment(ref unobserved);

        // What other tests have left behind is not this one's.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException += note;
        var sessions = new List<Session>();
        var reasons = new List<CloseReason>();
        for (var i = 0; i < resets; i += atOnce)
        {
            var peers = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => connect()));
            var opened = await server.OpenedAsync(atOnce);
            foreach (var peer in peers)
            {
                peer.Reset();
            }

            sessions.AddRange(opened);
            reasons.AddRange(await Task.WhenAll(opened.Select(session => session.ClosedAsync())));
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException -= note;

        sessions.Should().HaveCount(resets).And.OnlyContain(session => session.ClosedCalls == 1);
        reasons.Should().OnlyContain(reason => reason.Kind == CloseKind.PeerReset && reason.By == CloseParty.Peer);
        unobserved.Should().Be(0);
        server.LogFrom(LogLevel.Information).Should().OnlyContain(line => line.Contains("Listening"));
        if (insideSend)
        {
            reasons.Should().OnlyContain(reason => reason.UnsentBytes > 0, "otherwise it was not inside a send");
        }
    }

    /// <summary>Half-closes all connections, and resets them then if told to: the server closes them at once.</summary>
    public static async Task FinishAsync<TPeer>(TestServer server, IReadOnlyList<TPeer> peers, Func<TPeer, Task> finish, Action<TPeer>? reset, ITestOutputHelper output)
        where TPeer : IDisposable
    {
        var sessions = await server.OpenedAsync(peers.Count);

        var watch = Stopwatch.StartNew();
        foreach (var peer in peers)
        {
            await finish(peer);
            reset?.Invoke(peer);
        }

        var reasons = await Task.WhenAll(sessions.Select(session => session.ClosedAsync()));
        output.WriteLine($"N05: {peers.Count} half-closed connections closed after {watch.ElapsedMilliseconds} ms");
        watch.Elapsed.Should().BeLessThan(Bounds.Seconds(1));
        reasons.Should().OnlyContain(reason => reason.Kind == CloseKind.PeerClosed || (reset != null && reason.Kind == CloseKind.PeerReset));
        foreach (var peer in peers)
        {
            peer.Dispose();
        }
    }

    /// <summary>
    /// A server closes connections whose peers do not finish: it waits for a second, and costs no processor time meanwhile.
    /// </summary>
    /// <param name="child">The server.</param>
    /// <param name="connect">Connects one that has been served once.</param>
    /// <param name="output">Takes the figures.</param>
    public static async Task StaySilentAsync(ChildProcess child, Func<Task<IDisposable>> connect, ITestOutputHelper output)
    {
        const int count = 50;

        // The first round is for the compiler. A loop that spins would use all of a processor.
        foreach (var measured in new[] { false, true })
        {
            var before = OperatingSystem.IsLinux() ? child.Sockets : 0;
            var peers = new List<IDisposable>();
            for (var i = 0; i < count; i++)
            {
                peers.Add(await connect());
            }

            var closed = await child.AskAsync("close", "closed");
            var after = OperatingSystem.IsLinux() ? child.Sockets : 0;
            peers.ForEach(peer => peer.Dispose());

            closed["connections"].Should().Be(count);
            closed["elapsed"].Should().BeGreaterThan(900).And.BeLessThan((long)Bounds.Seconds(1).TotalMilliseconds, "the close deadline is a second");
            if (measured)
            {
                output.WriteLine($"N05: {closed["cpu"]} ms of processor time in {closed["elapsed"]} ms of waiting for {count} silent peers");
                closed["cpu"].Should().BeLessThan(closed["elapsed"] / 4, "one that spins takes all of it");
                after.Should().Be(before);
            }
        }
    }
}
