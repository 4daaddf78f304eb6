using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Transports.Interop;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>A listener finds something at its path: what a dead process has left is cleared away, everything else is left alone.</summary>
public sealed partial class UnixTakenPathTests : IDisposable
{
    /// <summary>O_RDWR and O_CREAT.</summary>
    private const int CreateToWrite = 0x42;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SocketFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task A_socket_that_a_dead_process_has_left_is_cleared_away_and_the_log_says_so()
    {
        var path = _folder.NewPath();
        UnixSockets.Abandon(path);
        var logs = new FakeLogCollector();
        await using var listener = TestEngine.ListenUnix(path);
        await listener.BindAsync(new() { Logger = new FakeLogger(logs) }, default);

        await UnixListening.ServesAsync(listener);
        logs.GetSnapshot().Should().ContainSingle().Which.Should().Match<FakeLogRecord>(record => record.Id.Id == 60 && record.Level == LogLevel.Information && record.Message.Contains(path));
    }

    [Fact]
    [Trait("Fault", "G02")]
    public async Task A_path_on_which_somebody_listens_is_named_and_left_alone()
    {
        var path = _folder.NewPath();
        await using var first = TestEngine.ListenUnix(path);
        await first.BindAsync(new(), default);
        await using var second = TestEngine.ListenUnix(path);

        var exception = await UnixListening.FailsAsync(second);

        exception.EndPoint.Should().Be(new UnixEndPoint(path));
        exception.Message.Should().Contain(path);
        exception.InnerException.Should().BeOfType<SocketException>().Which.SocketErrorCode.Should().Be(SocketError.AddressAlreadyInUse);
        if (OperatingSystem.IsLinux())
        {
            exception.Message.Should().Contain("another server listens");
            (await first.AcceptAsync().AsTask().WaitAsync(Patience))!.Abort();
        }

        await second.DisposeAsync();
        await UnixListening.ServesAsync(first);
    }

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task A_listener_whose_backlog_is_full_still_counts_as_one()
    {
        var path = _folder.NewPath();
        using var busy = UnixSockets.Listening(path, 0);
        var waiting = Fill(path);
        await using var listener = TestEngine.ListenUnix(path);

        (await UnixListening.FailsAsync(listener)).Message.Should().Contain("another server listens");

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
        var path = _folder.NewPath();
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
                UnixSockets.Abandon(path + ".target");
                File.CreateSymbolicLink(path, path + ".target");
                break;
            default:
                datagrams.Bind(new UnixDomainSocketEndPoint(path));
                break;
        }

        await using var listener = TestEngine.ListenUnix(path);

        var exception = await UnixListening.FailsAsync(listener);

        exception.Message.Should().Contain(path).And.Contain(said);
        await listener.DisposeAsync();
        Directory.GetFileSystemEntries(_folder.Path).Should().Contain(path);
        if (kind == "file")
        {
            (await File.ReadAllTextAsync(path)).Should().Be("precious");
        }
    }

    [LinuxTheory]
    [Trait("Fault", "X51")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_socket_that_is_bound_and_does_not_listen_yet_is_not_taken_for_abandoned(bool relative)
    {
        var path = _folder.NewPath();
        using var slow = UnixSockets.Bound(relative ? Path.GetRelativePath(Environment.CurrentDirectory, path) : path);
        await using var listener = TestEngine.ListenUnix(path);

        (await UnixListening.FailsAsync(listener)).Message.Should().Contain("does not listen yet");

        slow.Listen();
        using var peer = UnixSockets.New();
        await peer.ConnectAsync(new UnixDomainSocketEndPoint(path));
    }

    [LinuxFact]
    [Trait("Fault", "X51")]
    public async Task A_living_socket_of_the_same_name_in_another_folder_does_not_keep_it()
    {
        var path = _folder.NewPath();
        UnixSockets.Abandon(path);
        using var other = new SocketFolder();
        using var living = UnixSockets.Bound(Path.Combine(other.Path, Path.GetFileName(path)));
        await using var listener = TestEngine.ListenUnix(path);

        await listener.BindAsync(new(), default);

        await UnixListening.ServesAsync(listener);
    }

    [LinuxTheory]
    [Trait("Fault", "X49")]
    [InlineData("link")]
    [InlineData("another socket")]
    [InlineData("nothing")]
    [SupportedOSPlatform("linux")]
    public void Permissions_reach_the_socket_that_was_made_and_nothing_in_its_place(string kind)
    {
        var path = _folder.NewPath();
        var precious = path + ".precious";
        File.WriteAllText(precious, "");
        File.SetUnixFileMode(precious, UnixFileMode.UserRead);
        using var socket = UnixSockets.Bound(path);
        var made = SocketFile.Find(path)!.Value;
        File.Move(path, path + ".moved");
        using var other = UnixSockets.New();
        switch (kind)
        {
            case "link":
                File.CreateSymbolicLink(path, precious);
                break;
            case "another socket":
                other.Bind(new UnixEndPoint(path));
                break;
            default:
                break;
        }

        var before = SocketFile.Find(path, follows: true)?.Permissions;
        FluentActions.Invoking(() => made.SetPermissions(path, UnixFileMode.UserRead | UnixFileMode.OtherWrite)).Should().Throw<IOException>();

        SocketFile.Find(path, follows: true)?.Permissions.Should().Be(before);
        made.SetPermissions(path + ".moved", UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
        SocketFile.Find(path + ".moved")!.Value.Permissions.Should().Be(UnixFileMode.UserWrite | UnixFileMode.OtherWrite);
    }

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task Of_many_that_find_an_abandoned_socket_at_once_one_gets_it_and_keeps_it()
    {
        const int count = 8;
        for (var round = 0; round < 5; round++)
        {
            var path = _folder.NewPath();
            UnixSockets.Abandon(path);
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
            await UnixListening.ServesAsync(winner);
            foreach (var listener in listeners)
            {
                await listener.DisposeAsync();
            }

            File.Exists(path).Should().BeFalse();
        }
    }

    [LinuxFact]
    [Trait("Fault", "G02")]
    public async Task A_lock_that_another_process_keeps_is_an_error_in_the_end()
    {
        var path = _folder.NewPath();
        UnixSockets.Abandon(path);
        var held = Open(path + ".lock", CreateToWrite, 0x180);
        held.Should().BePositive();
        try
        {
            Lock(held, 2).Should().Be(0);
            await using var listener = TestEngine.ListenUnix(path);

            (await UnixListening.FailsAsync(listener)).Message.Should().Contain($"another process of this user has held {path}.lock");

            File.Exists(path).Should().BeTrue();
        }
        finally
        {
            _ = Close(held);
        }

        // What a dead process has left of the lock is no lock.
        await using var next = TestEngine.ListenUnix(path);
        await next.BindAsync(new(), default);
        File.Exists(path + ".lock").Should().BeFalse();
    }

    [LinuxFact]
    [Trait("Fault", "X52")]
    public async Task A_lock_on_the_folder_keeps_nobody_from_starting()
    {
        var path = _folder.NewPath();
        UnixSockets.Abandon(path);
        var folder = Open(_folder.Path, 0);
        folder.Should().BePositive();
        try
        {
            Lock(folder, 2).Should().Be(0);
            await using var listener = TestEngine.ListenUnix(path);

            await listener.BindAsync(new(), default).AsTask().WaitAsync(Patience);

            await UnixListening.ServesAsync(listener);
        }
        finally
        {
            _ = Close(folder);
        }
    }

    [LinuxTheory]
    [Trait("Fault", "X52")]
    [InlineData("pipe")]
    [InlineData("link")]
    [InlineData("folder")]
    public async Task What_is_no_lock_file_of_this_user_is_named(string kind)
    {
        var path = _folder.NewPath();
        UnixSockets.Abandon(path);
        switch (kind)
        {
            case "pipe":
                MakePipe(path + ".lock", 0x1B6).Should().Be(0);
                break;
            case "link":
                File.CreateSymbolicLink(path + ".lock", path + ".other");
                break;
            default:
                Directory.CreateDirectory(path + ".lock");
                break;
        }

        await using var listener = TestEngine.ListenUnix(path);

        (await UnixListening.FailsAsync(listener)).Message.Should().Contain($"{path}.lock");
        File.Exists(path).Should().BeTrue();
        File.Exists(path + ".other").Should().BeFalse();
    }

    private static async Task<Exception?> OutcomeAsync(Listener listener)
    {
        try
        {
            await listener.BindAsync(new(), default);
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    /// <summary>Connects until the backlog is full.</summary>
    private static List<Socket> Fill(string path)
    {
        var waiting = new List<Socket>();
        while (true)
        {
            waiting.Add(UnixSockets.New());
            waiting[^1].Blocking = false;
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

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MakePipe(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "flock")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Lock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
