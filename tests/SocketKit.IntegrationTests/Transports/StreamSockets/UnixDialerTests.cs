using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

public sealed class UnixDialerTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SocketFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Fault", "N07")]
    public async Task A_path_that_is_not_there_is_told_at_once()
    {
        var path = _folder.NewPath();

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
        var path = _folder.NewPath();
        using var dead = UnixSockets.New();
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
        exception.Message.Should().Contain(path);
        if (OperatingSystem.IsLinux())
        {
            exception.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
            exception.Message.Should().Contain("nobody listens");
        }
    }

    [LinuxFact]
    [Trait("Fault", "X28")]
    public async Task An_error_that_dotnet_has_no_name_for_is_told_with_the_systems_name_and_number()
    {
        var file = _folder.NewPath();
        await File.WriteAllTextAsync(file, "");
        var path = Path.Combine(file, "in-a-file");

        var dial = () => DialAsync(path);
        var listen = async () => await TestEngine.ListenUnix(path).BindAsync(new(), CancellationToken.None);

        (await dial.Should().ThrowAsync<SocketException>()).Which.Message.Should().Be($"{path}: Not a directory (error 20)");
        (await listen.Should().ThrowAsync<ListenException>()).Which.Message.Should().Contain("Not a directory (error 20)");
    }

    [LinuxFact]
    [Trait("Fault", "N07")]
    public async Task A_datagram_socket_is_told_at_once()
    {
        var path = _folder.NewPath();
        using var datagrams = UnixSockets.Datagrams(path);

        var dial = () => DialAsync(path);

        (await dial.Should().ThrowAsync<SocketException>()).Which.Message.Should().Contain("datagram");
    }

    [LinuxFact]
    [Trait("Fault", "N06")]
    public async Task A_full_backlog_is_waited_for_as_over_TCP()
    {
        var path = _folder.NewPath();
        using var busy = UnixSockets.Listening(path, 0);
        var first = await DialAsync(path).WaitAsync(Patience);
        var time = new FakeTimeProvider();
        var second = TestEngine.Dial(new UnixEndPoint(path)).DialAsync(new() { TimeProvider = time }, CancellationToken.None).AsTask();
        for (var i = 0; i < 100; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
        }

        second.IsCompleted.Should().BeFalse("the backlog has room for one");

        using var accepted = await busy.AcceptAsync().WaitAsync(Patience);

        await Eventually.TrueAsync(() =>
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            return second.IsCompleted;
        });
        await using var transport = await second;
        await first.DisposeAsync();
    }

    [LinuxFact]
    [Trait("Fault", "N06")]
    public async Task A_dial_that_waits_for_a_full_backlog_is_cancelled_at_once()
    {
        var path = _folder.NewPath();
        using var busy = UnixSockets.Listening(path, 0);
        await using var first = await DialAsync(path).WaitAsync(Patience);
        using var cancellation = new CancellationTokenSource();
        var second = DialAsync(path, cancellation.Token);

        await cancellation.CancelAsync();

        var wait = () => second.WaitAsync(Patience);
        (await wait.Should().ThrowAsync<OperationCanceledException>()).Which.CancellationToken.Should().Be(cancellation.Token);
    }

    private static async Task<Transport> DialAsync(string path, CancellationToken cancellationToken = default) =>
        await TestEngine.Dial(new UnixEndPoint(path)).DialAsync(new(), cancellationToken);
}
