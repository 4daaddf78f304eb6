using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.Unix;

public class UnixDialerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    [Trait("Fault", "N07")]
    public async Task A_path_that_is_not_there_is_told_at_once()
    {
        var path = TestWire.NewPath();

        var dial = () => DialAsync(path);

        var exception = (await dial.Should().ThrowAsync<SocketException>()).Which;
        exception.SocketErrorCode.Should().Be(SocketError.AddressNotAvailable);
        exception.Message.Should().Contain(path).And.Contain("no such socket");
    }

    [Theory]
    [Trait("Fault", "N07")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_path_on_which_nobody_listens_is_told_at_once(bool plainFile)
    {
        var path = TestWire.NewPath();
        using var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (plainFile)
        {
            await File.WriteAllTextAsync(path, "");
        }
        else
        {
            dead.Bind(new UnixDomainSocketEndPoint(path));
        }

        var dial = () => DialAsync(path);

        var exception = (await dial.Should().ThrowAsync<SocketException>()).Which;
        File.Delete(path);
        exception.Message.Should().Contain(path);
        if (OperatingSystem.IsLinux())
        {
            exception.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
            exception.Message.Should().Contain("nobody listens");
        }
    }

    [LinuxFact]
    [Trait("Fault", "N07")]
    public async Task A_datagram_socket_is_told_at_once()
    {
        var path = TestWire.NewPath();
        using var datagrams = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        datagrams.Bind(new UnixDomainSocketEndPoint(path));

        var dial = () => DialAsync(path);

        (await dial.Should().ThrowAsync<SocketException>()).Which.Message.Should().Contain("datagram");
    }

    [LinuxFact]
    [Trait("Fault", "N06")]
    public async Task A_full_backlog_is_waited_for_as_over_TCP()
    {
        var path = TestWire.NewPath();
        using var busy = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        busy.Bind(new UnixDomainSocketEndPoint(path));
        busy.Listen(0);
        var first = await DialAsync(path).WaitAsync(Patience);
        var second = DialAsync(path);
        (await Task.WhenAny(second, Task.Delay(200))).Should().NotBe(second, "the backlog has room for one");

        using var accepted = await busy.AcceptAsync().WaitAsync(Patience);

        await using var transport = await second.WaitAsync(Patience);
        await first.DisposeAsync();
    }

    [LinuxFact]
    [Trait("Fault", "N06")]
    public async Task A_dial_that_waits_for_a_full_backlog_is_cancelled_at_once()
    {
        var path = TestWire.NewPath();
        using var busy = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        busy.Bind(new UnixDomainSocketEndPoint(path));
        busy.Listen(0);
        await using var first = await DialAsync(path).WaitAsync(Patience);
        using var cancellation = new CancellationTokenSource();
        var second = DialAsync(path, cancellation.Token);

        await cancellation.CancelAsync();

        var wait = () => second.WaitAsync(Patience);
        (await wait.Should().ThrowAsync<OperationCanceledException>()).Which.CancellationToken.Should().Be(cancellation.Token);
    }

    private static async Task<Transport> DialAsync(string path, CancellationToken cancellationToken = default) =>
        await TestEngine.Dial(new UnixEndPoint(path)).DialAsync(TimeProvider.System, cancellationToken);
}
