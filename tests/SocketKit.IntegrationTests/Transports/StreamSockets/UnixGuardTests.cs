using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging.Testing;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>What a Unix socket keeps out: folders in which others could put another in its place, and descriptors of peers.</summary>
public sealed partial class UnixGuardTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SocketFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [LinuxFact]
    [Trait("Fault", "X49")]
    [SupportedOSPlatform("linux")]
    public async Task A_folder_of_another_user_is_refused_or_warned_about()
    {
        const uint SomebodyElse = 4711;
        if (ChangeOwner(_folder.Path, SomebodyElse, SomebodyElse) != 0)
        {
            // Only root can give a folder away.
            return;
        }

        var path = _folder.NewPath();
        await using (var refused = TestEngine.ListenUnix(path))
        {
            (await UnixListening.FailsAsync(refused)).Message.Should().Contain("user 4711 owns the folder " + _folder.Path).And.Contain("AllowSharedFolder");
        }

        var logs = new FakeLogCollector();
        await using var allowed = TestEngine.ListenUnix(path, new UnixListenOptions { AllowSharedFolder = true });
        await allowed.BindAsync(new() { Logger = new FakeLogger(logs) }, default);
        logs.GetSnapshot().Should().ContainSingle(record => record.Id.Id == 63).Which.Message.Should().Contain("user 4711 owns it");
    }

    [LinuxFact]
    [SupportedOSPlatform("linux")]
    public async Task A_peer_cannot_pass_descriptors()
    {
        const int SocketLevel = 1;
        const int PassRights = 83;
        var value = new byte[sizeof(int)];
        using (var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            try
            {
                probe.GetRawSocketOption(SocketLevel, PassRights, value);
            }
            catch (SocketException)
            {
                // A kernel before 6.16 has no such option.
                return;
            }
        }

        await using var listener = TestEngine.ListenUnix(_folder.NewPath());
        await listener.BindAsync(new(), default);
        var accepting = listener.AcceptAsync().AsTask();
        await using var dialled = await Dial.Unix(((UnixEndPoint)listener.EndPoint).Path!).DialAsync(new(), default);
        await using var accepted = (await accepting.WaitAsync(Patience))!;

        foreach (var end in new[] { dialled, accepted })
        {
            value[0] = 1;
            using var view = end.CreateSocketView()!;
            view.GetRawSocketOption(SocketLevel, PassRights, value);
            value[0].Should().Be(0);
        }
    }

    [LinuxFact]
    [Trait("Fault", "X49")]
    [SupportedOSPlatform("linux")]
    public async Task A_folder_that_everybody_can_write_is_refused_or_warned_about()
    {
        var path = _folder.NewPath();
        const UnixFileMode All = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
            | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(_folder.Path, All);
        await using (var refused = TestEngine.ListenUnix(path))
        {
            (await UnixListening.FailsAsync(refused)).Message.Should().Contain(_folder.Path).And.Contain("AllowSharedFolder");
        }

        var logs = new FakeLogCollector();
        await using (var allowed = TestEngine.ListenUnix(path, new UnixListenOptions { AllowSharedFolder = true }))
        {
            await allowed.BindAsync(new() { Logger = new FakeLogger(logs) }, default);
            await UnixListening.ServesAsync(allowed);
        }

        logs.GetSnapshot().Should().ContainSingle(record => record.Id.Id == 63).Which.Message.Should().Contain(_folder.Path);

        // As /tmp is: nobody can rename what is another's.
        File.SetUnixFileMode(_folder.Path, All | UnixFileMode.StickyBit);
        await using var sticky = TestEngine.ListenUnix(path);
        await sticky.BindAsync(new(), default);
    }

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ChangeOwner(string path, uint user, uint group);
}
