using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.Unix;

public sealed partial class UnixListenerTests : StreamListenerContract, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sk-");

    public void Dispose() => _folder.Delete(recursive: true);

    protected override Listener Make() => TestEngine.ListenUnix(TestWire.NewPath());

    protected override ValueTask<Transport> DialAsync(EndPoint endPoint) => TestEngine.Dial(endPoint).DialAsync(TimeProvider.System, CancellationToken.None);

    [Fact]
    public async Task The_socket_file_comes_with_the_bind_and_goes_with_the_stop()
    {
        var path = NewPath();
        await using var listener = TestEngine.ListenUnix(path);
        listener.EndPoint.Should().Be(new UnixEndPoint(path));
        listener.ToString().Should().Be($"unix://{path}");
        File.Exists(path).Should().BeFalse();

        await listener.BindAsync(default);

        File.Exists(path).Should().BeTrue();
        listener.EndPoint.Should().BeOfType<UnixEndPoint>().Which.Path.Should().Be(path);

        await listener.StopAsync();

        File.Exists(path).Should().BeFalse();
    }

    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public async Task By_default_only_the_owner_may_connect()
    {
        var path = NewPath();
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
        var path = NewPath();
        await using var listener = await ListenAsync(TestEngine.ListenUnix(path, new UnixListenOptions { Permissions = (UnixFileMode)mode }));

        File.GetUnixFileMode(path).Should().Be((UnixFileMode)mode);
    }

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task A_socket_that_a_dead_process_has_left_is_cleared_away_and_the_log_says_so()
    {
        var path = NewPath();
        Abandon(path);
        var logs = new FakeLogCollector();
        await using var listener = TestEngine.ListenUnix(path);
        listener.UseServices(new FakeLogger(logs), TimeProvider.System);

        await listener.BindAsync(default);

        await ServesAsync(listener);
        logs.GetSnapshot().Should().ContainSingle().Which.Should().Match<FakeLogRecord>(record => record.Id.Id == 60 && record.Level == LogLevel.Information && record.Message.Contains(path));
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_path_on_which_somebody_listens_is_named_and_left_alone()
    {
        var path = NewPath();
        await using var first = await ListenAsync(TestEngine.ListenUnix(path));
        await using var second = TestEngine.ListenUnix(path);

        var exception = await FailsAsync(second);

        exception.EndPoint.Should().Be(new UnixEndPoint(path));
        exception.Message.Should().Contain(path);
        exception.InnerException.Should().BeOfType<SocketException>().Which.SocketErrorCode.Should().Be(SocketError.AddressAlreadyInUse);
        if (OperatingSystem.IsLinux())
        {
            exception.Message.Should().Contain("another server listens");
            (await first.AcceptAsync().AsTask().WaitAsync(Patience))!.Abort();
        }

        await second.DisposeAsync();
        await ServesAsync(first);
    }

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task A_listener_whose_backlog_is_full_still_counts_as_one()
    {
        var path = NewPath();
        using var busy = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        busy.Bind(new UnixDomainSocketEndPoint(path));
        busy.Listen(0);
        var waiting = Fill(path);
        await using var listener = TestEngine.ListenUnix(path);

        (await FailsAsync(listener)).Message.Should().Contain("another server listens");

        File.Exists(path).Should().BeTrue();
        waiting.ForEach(socket => socket.Dispose());
    }

    [LinuxTheory]
    [Trait("Fault", "G02")]
    [InlineData("file", "there is a file")]
    [InlineData("folder", "there is a folder")]
    [InlineData("link", "there is a symbolic link")]
    [InlineData("link to a dead socket", "there is a symbolic link")]
    [InlineData("datagram", "datagram")]
    public async Task What_is_no_abandoned_stream_socket_is_named_and_left_alone(string kind, string said)
    {
        var path = NewPath();
        using var datagrams = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        switch (kind)
        {
            case "file":
                await File.WriteAllTextAsync(path, "precious");
                break;
            case "folder":
                Directory.CreateDirectory(path);
                break;
            case "link":
                File.CreateSymbolicLink(path, "/nowhere");
                break;
            case "link to a dead socket":
                Abandon(path + ".target");
                File.CreateSymbolicLink(path, path + ".target");
                break;
            default:
                datagrams.Bind(new UnixDomainSocketEndPoint(path));
                break;
        }

        await using var listener = TestEngine.ListenUnix(path);

        var exception = await FailsAsync(listener);

        exception.Message.Should().Contain(path).And.Contain(said);
        await listener.DisposeAsync();
        Directory.GetFileSystemEntries(_folder.FullName).Should().Contain(path);
        if (kind == "file")
        {
            (await File.ReadAllTextAsync(path)).Should().Be("precious");
        }
    }

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task A_socket_that_is_bound_and_about_to_listen_is_not_taken_for_abandoned()
    {
        var path = NewPath();
        using var slow = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        slow.Bind(new UnixDomainSocketEndPoint(path));
        await using var listener = TestEngine.ListenUnix(path);

        var bind = listener.BindAsync(default).AsTask();
        slow.Listen();

        var wait = () => bind.WaitAsync(Patience);
        (await wait.Should().ThrowAsync<ListenException>()).Which.Message.Should().Contain("another server listens");
    }

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task Of_many_that_find_an_abandoned_socket_at_once_one_gets_it_and_keeps_it()
    {
        const int count = 8;
        for (var round = 0; round < 5; round++)
        {
            var path = NewPath();
            Abandon(path);
            using var start = new Barrier(count);
            var listeners = Enumerable.Range(0, count).Select(_ => TestEngine.ListenUnix(path)).ToArray();

            var outcomes = await Task.WhenAll(listeners.Select(listener => Task.Factory.StartNew(
                () =>
                {
                    start.SignalAndWait(Patience);
                    return OutcomeAsync(listener);
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).Unwrap())).WaitAsync(Patience);

            var winner = listeners[Array.IndexOf(outcomes, null)];
            outcomes.Where(outcome => outcome is null).Should().ContainSingle();
            outcomes.Where(outcome => outcome is not null).Should().AllBeOfType<ListenException>();

            // Those that lost have looked whether somebody listens.
            await ServesAsync(winner);
            foreach (var listener in listeners)
            {
                await listener.DisposeAsync();
            }

            File.Exists(path).Should().BeFalse();
        }
    }

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task A_folder_that_another_process_keeps_locked_is_an_error_in_the_end()
    {
        var path = NewPath();
        Abandon(path);
        var folder = Open(_folder.FullName, 0);
        folder.Should().BePositive();
        try
        {
            Lock(folder, 2).Should().Be(0);
            await using var listener = TestEngine.ListenUnix(path);

            (await FailsAsync(listener)).Message.Should().Contain(path).And.Contain("lock");

            File.Exists(path).Should().BeTrue();
        }
        finally
        {
            _ = Close(folder);
        }
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_stop_does_not_remove_what_another_has_put_in_the_place_of_its_socket()
    {
        var path = NewPath();
        var logs = new FakeLogCollector();
        var first = TestEngine.ListenUnix(path);
        first.UseServices(new FakeLogger(logs), TimeProvider.System);
        await first.BindAsync(default);
        File.Delete(path);
        if (!OperatingSystem.IsLinux())
        {
            // Elsewhere a file is known by the time at which it was made.
            await Task.Delay(50);
        }

        await using var second = await ListenAsync(TestEngine.ListenUnix(path));
        await first.DisposeAsync();

        File.Exists(path).Should().BeTrue();
        await ServesAsync(second);
        logs.GetSnapshot().Should().ContainSingle().Which.Id.Id.Should().Be(62);
    }

    [Fact]
    public async Task A_stop_does_not_mind_that_its_socket_is_gone_already()
    {
        var path = NewPath();
        var logs = new FakeLogCollector();
        var listener = TestEngine.ListenUnix(path);
        listener.UseServices(new FakeLogger(logs), TimeProvider.System);
        await listener.BindAsync(default);
        File.Delete(path);

        await listener.DisposeAsync();

        logs.GetSnapshot().Should().BeEmpty();
    }

    [Fact]
    public async Task A_relative_path_is_made_and_removed_like_another()
    {
        var path = NewPath();
        await using var listener = await ListenAsync(TestEngine.ListenUnix(Path.GetRelativePath(Environment.CurrentDirectory, path)));
        File.Exists(path).Should().BeTrue();

        await listener.StopAsync();

        File.Exists(path).Should().BeFalse();
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_folder_that_does_not_exist_is_named()
    {
        var missing = Path.Combine(_folder.FullName, "missing");
        await using var listener = TestEngine.ListenUnix(Path.Combine(missing, "s"));

        (await FailsAsync(listener)).Message.Should().Contain($"there is no folder {missing}");
    }

    [LinuxFact]
    public async Task An_abstract_name_needs_no_file_and_is_free_again_at_once()
    {
        var name = $"@socketkit-{Environment.ProcessId}-{Guid.NewGuid():N}";
        for (var round = 0; round < 3; round++)
        {
            var listener = await ListenAsync(TestEngine.ListenUnix(name));
            listener.EndPoint.Should().BeOfType<UnixEndPoint>().Which.Path.Should().Be(name);
            await ServesAsync(listener);
            await using (var second = TestEngine.ListenUnix(name))
            {
                (await FailsAsync(second)).Message.Should().Contain(name).And.Contain("in use");
            }

            await listener.DisposeAsync();
        }

        Directory.GetFileSystemEntries(Environment.CurrentDirectory, "@socketkit*").Should().BeEmpty();
    }

    private static async Task ServesAsync(Listener listener)
    {
        var path = (UnixEndPoint)listener.EndPoint;
        Transport? accepted = null;
        await using var dialled = await TestEngine.Dial(path).DialAsync(TimeProvider.System, CancellationToken.None);
        await dialled.SendAsync("here"u8.ToArray());

        // Others may have knocked before.
        var buffer = new byte[4];
        do
        {
            if (accepted is not null)
            {
                await accepted.DisposeAsync();
            }

            accepted = (await listener.AcceptAsync().AsTask().WaitAsync(Patience))!;
        }
        while ((await accepted.ReceiveAsync(buffer).AsTask().WaitAsync(Patience)).Count == 0);
        buffer.Should().Equal("here"u8.ToArray());
        await accepted.DisposeAsync();
    }

    private static async Task<ListenException> FailsAsync(Listener listener)
    {
        var bind = () => listener.BindAsync(default).AsTask().WaitAsync(Patience);
        return (await bind.Should().ThrowAsync<ListenException>()).Which;
    }

    private static async Task<Exception?> OutcomeAsync(Listener listener)
    {
        try
        {
            await listener.BindAsync(default);
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    /// <summary>What is left of a process that was killed.</summary>
    private static void Abandon(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixEndPoint(path));
        socket.Listen();
    }

    /// <summary>Connects until the backlog is full.</summary>
    private static List<Socket> Fill(string path)
    {
        var waiting = new List<Socket>();
        while (true)
        {
            waiting.Add(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false });
            try
            {
                waiting[^1].Connect(new UnixDomainSocketEndPoint(path));
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.WouldBlock)
            {
                return waiting;
            }
        }
    }

    private string NewPath() => Path.Combine(_folder.FullName, $"{Guid.NewGuid():N}"[..8]);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "flock")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
