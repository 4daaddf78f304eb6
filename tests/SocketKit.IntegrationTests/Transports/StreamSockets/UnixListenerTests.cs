using System.Net;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging.Testing;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>The socket's file, its permissions, and abstract names.</summary>
public sealed class UnixListenerTests : StreamListenerContract, IDisposable
{
    private readonly SocketFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override Listener Make() => TestEngine.ListenUnix(TestWire.NewPath());

    protected override ValueTask<Transport> DialAsync(EndPoint endPoint) => TestEngine.Dial(endPoint).DialAsync(new(), CancellationToken.None);

    [Fact]
    public async Task The_socket_file_comes_with_the_bind_and_goes_with_the_stop()
    {
        var path = _folder.NewPath();
        await using var listener = TestEngine.ListenUnix(path);
        listener.EndPoint.Should().Be(new UnixEndPoint(path));
        listener.ToString().Should().Be($"unix://{path}");
        File.Exists(path).Should().BeFalse();

        await listener.BindAsync(new(), default);

        File.Exists(path).Should().BeTrue();
        listener.EndPoint.Should().BeOfType<UnixEndPoint>().Which.Path.Should().Be(path);

        await listener.StopAsync();

        File.Exists(path).Should().BeFalse();
    }

    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public async Task By_default_only_the_owner_may_connect()
    {
        var path = _folder.NewPath();
        await using var listener = await ListenAsync(TestEngine.ListenUnix(path));

        File.GetUnixFileMode(path).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [UnixTheory]
    [UnsupportedOSPlatform("windows")]
    [InlineData(0x1B6)] // 0666: more than the usual umask leaves
    [InlineData(0x1B0)] // 0660
    [InlineData(0x180)] // 0600
    [InlineData(0x1FF)] // 0777
    [InlineData(0)]
    public async Task Permissions_are_as_asked_for_whatever_the_umask(int mode)
    {
        var path = _folder.NewPath();
        await using var listener = await ListenAsync(TestEngine.ListenUnix(path, new UnixListenOptions { Permissions = (UnixFileMode)mode }));

        File.GetUnixFileMode(path).Should().Be((UnixFileMode)mode);
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_stop_does_not_remove_what_another_has_put_in_the_place_of_its_socket()
    {
        var path = _folder.NewPath();
        var logs = new FakeLogCollector();
        var first = TestEngine.ListenUnix(path);
        await first.BindAsync(new() { Logger = new FakeLogger(logs) }, default);
        if (!OperatingSystem.IsLinux())
        {
            // Elsewhere a file is known by the time at which it was made.
            var made = File.GetLastWriteTimeUtc(path);
            await Eventually.TrueAsync(() => DateTime.UtcNow - made > TimeSpan.FromMilliseconds(50));
        }

        File.Delete(path);
        await using var second = await ListenAsync(TestEngine.ListenUnix(path));
        await first.DisposeAsync();

        File.Exists(path).Should().BeTrue();
        await UnixListening.ServesAsync(second);
        logs.GetSnapshot().Should().ContainSingle().Which.Id.Id.Should().Be(62);
    }

    [Fact]
    public async Task A_stop_does_not_mind_that_its_socket_is_gone_already()
    {
        var path = _folder.NewPath();
        var logs = new FakeLogCollector();
        var listener = TestEngine.ListenUnix(path);
        await listener.BindAsync(new() { Logger = new FakeLogger(logs) }, default);
        File.Delete(path);

        await listener.DisposeAsync();

        logs.GetSnapshot().Should().BeEmpty();
    }

    [Fact]
    public async Task A_relative_path_is_made_and_removed_like_another()
    {
        var path = _folder.NewPath();
        await using var listener = await ListenAsync(TestEngine.ListenUnix(Path.GetRelativePath(Environment.CurrentDirectory, path)));
        File.Exists(path).Should().BeTrue();

        await listener.StopAsync();

        File.Exists(path).Should().BeFalse();
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_folder_that_does_not_exist_is_named()
    {
        var missing = Path.Combine(_folder.Path, "missing");
        await using var listener = TestEngine.ListenUnix(Path.Combine(missing, "s"));

        (await UnixListening.FailsAsync(listener)).Message.Should().Contain($"there is no folder {missing}");
    }

    [LinuxFact]
    public async Task An_abstract_name_needs_no_file_and_is_free_again_at_once()
    {
        var name = $"@socketkit-{Environment.ProcessId}-{Guid.NewGuid():N}";
        for (var round = 0; round < 3; round++)
        {
            var listener = await ListenAsync(TestEngine.ListenUnix(name));
            listener.EndPoint.Should().BeOfType<UnixEndPoint>().Which.Path.Should().Be(name);
            await UnixListening.ServesAsync(listener);
            await using (var second = TestEngine.ListenUnix(name))
            {
                (await UnixListening.FailsAsync(second)).Message.Should().Contain(name).And.Contain("in use");
            }

            await listener.DisposeAsync();
        }

        Directory.GetFileSystemEntries(Environment.CurrentDirectory, "@socketkit*").Should().BeEmpty();
    }
}
