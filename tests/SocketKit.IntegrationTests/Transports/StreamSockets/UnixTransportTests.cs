using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.Transports;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>The contract over Unix sockets.</summary>
public class UnixTransportTests : TransportContract
{
    // The kernel's Unix sockets know no reset, except of unread bytes.
    protected override bool HasResets => false;

    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => PairAsync(TestWire.NewPath());

    /// <summary>Two ends over a listener that is gone afterwards.</summary>
    internal static async ValueTask<(Transport Left, Transport Right)> PairAsync(string path)
    {
        await using var listener = TestEngine.ListenUnix(path);
        await listener.BindAsync(new(), CancellationToken.None);
        var accept = listener.AcceptAsync().AsTask();
        var left = await TestEngine.Dial(listener.EndPoint).DialAsync(new(), CancellationToken.None);
        return (left, (await accept.WaitAsync(Patience))!);
    }

    [Fact]
    public async Task The_process_at_the_other_end_is_told_by_the_kernel()
    {
        var path = TestWire.NewPath();
        var (left, right) = await PairAsync(path);
        await using var dialled = left;
        await using var accepted = right;
        var client = accepted.RemoteEndPoint.Should().BeOfType<UnixEndPoint>().Which;
        var server = dialled.RemoteEndPoint.Should().BeOfType<UnixEndPoint>().Which;

        client.Path.Should().BeNull("a client's end has no name");
        server.Path.Should().Be(path);
        if (!OperatingSystem.IsLinux())
        {
            client.Credentials.Should().BeNull();
            return;
        }

        // /proc/self/status: real, effective, saved and file system.
        var status = File.ReadAllLines("/proc/self/status");
        uint Effective(string name) => uint.Parse(status.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split('\t')[2], System.Globalization.CultureInfo.InvariantCulture);
        var expected = new UnixCredentials(Environment.ProcessId, Effective("Uid:"), Effective("Gid:"));
        client.Credentials.Should().Be(expected);
        server.Credentials.Should().Be(expected);
        client.ToString().Should().Be($"process {Environment.ProcessId} of user {expected.UserId}");
        server.ToString().Should().Be(path);
    }

    [Fact]
    public async Task A_peer_that_has_given_its_end_a_name_shows_it_and_its_process_all_the_same()
    {
        var path = TestWire.NewPath();
        using var folder = new SocketFolder();
        var own = folder.NewPath();
        await using var listener = TestEngine.ListenUnix(path);
        await listener.BindAsync(new(), CancellationToken.None);
        using var peer = UnixSockets.Bound(own);
        await peer.ConnectAsync(new UnixDomainSocketEndPoint(path));
        await using var accepted = await listener.AcceptAsync().AsTask().WaitAsync(Patience);

        var remote = accepted!.RemoteEndPoint.Should().BeOfType<UnixEndPoint>().Which;

        remote.Path.Should().Be(own);
        remote.Credentials?.ProcessId.Should().Be(Environment.ProcessId);
        remote.ToString().Should().Be(remote.Credentials is null ? own : $"{remote.Credentials}, named \"{own}\"", "a peer must not pass for another by its name");
    }
}

public class UnixTransportCostTests : TransportCostContract
{
    protected override ValueTask<(Transport Left, Transport Right)> ConnectAsync() => UnixTransportTests.PairAsync(TestWire.NewPath());
}
