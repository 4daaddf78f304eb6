using System.Net.Sockets;
using System.Runtime.Versioning;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Transports.Interop;
using SocketKit.Transports.StreamSockets;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>Who holds the file of a Unix socket, by the kernel's list.</summary>
[Trait("Fault", "X51")]
[SupportedOSPlatform("linux")]
public sealed class BoundSocketsTests : IDisposable
{
    private const string Heading = "Num       RefCount Protocol Flags    Type St Inode Path";

    private readonly SocketFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [LinuxTheory]
    [InlineData("00000000", "01", "/run/my.sock", true)]
    [InlineData("00000000", "01", "/run/other.sock", false)]
    [InlineData("00000000", "01", "/run/same.sock", true)]
    [InlineData("00000000", "01", "my.sock", true)]
    [InlineData("00000000", "01", "sub folder/my.sock", true)]
    [InlineData("00000000", "01", "@/run/my.sock", false)]
    [InlineData("00000000", "01", "", false)]
    [InlineData("00010000", "01", "/run/my.sock", false)]
    [InlineData("00000000", "03", "/run/my.sock", false)]
    [InlineData("00000000", "03", "my.sock", false)]
    public void A_line_of_the_list_says_who_has_the_file(string flags, string state, string bound, bool expected)
    {
        var file = new SocketFile(0, 1, 2, 0, 0);
        string[] list = [Heading, $"0000000000000000: 00000002 00000000 {flags} 0001 {state} 12345{(bound.Length > 0 ? " " : "")}{bound}"];

        BoundSockets.Holds(list, "/run/my.sock", file, path => path == "/run/same.sock" ? file : null).Should().Be(expected);
        BoundSockets.Holds([Heading, ""], "/run/my.sock", file, _ => file).Should().BeFalse("a line without columns has no path");
    }

    [LinuxFact]
    public async Task Connections_of_a_server_that_drains_do_not_keep_its_successor_from_the_path()
    {
        var path = _folder.NewPath();
        using var old = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        old.Bind(new UnixDomainSocketEndPoint(path));
        old.Listen();
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(path));
        using var accepted = await old.AcceptAsync();
        File.Move(path, path + ".away");
        old.Dispose();
        File.Move(path + ".away", path);

        await using var listener = TestEngine.ListenUnix(path);
        await listener.BindAsync(new(), default);

        await UnixListening.ServesAsync(listener);
    }

    [LinuxFact]
    public void The_kernel_tells_who_has_a_file_whatever_it_is_called_now()
    {
        var (path, moved, link) = (_folder.NewPath(), _folder.NewPath(), _folder.NewPath());
        using var bound = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        bound.Bind(new UnixDomainSocketEndPoint(path));
        IsBoundTo(path).Should().BeTrue();
        File.Move(path, moved);
        IsBoundTo(moved).Should().BeTrue("it is the same file");

        // Somebody else's name for it proves nothing: another socket that was bound to this path, and a link.
        using (var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            other.Bind(new UnixDomainSocketEndPoint(path));
            File.Move(path, link);
        }

        File.Move(link, path);
        IsBoundTo(path).Should().BeFalse("its process is dead");
        bound.Listen();
        bound.Shutdown(SocketShutdown.Receive);
        IsBoundTo(moved).Should().BeTrue("its process is alive, although it takes nobody any more");

        static bool? IsBoundTo(string path) => SocketDiagnosis.IsBoundTo(path, SocketFile.Find(path)!.Value);
    }

    // Without the device the number of a file on another file system may be the same; and numbers can be had by trying.
    [LinuxTheory]
    [Trait("Fault", "X52")]
    [InlineData(null, true)]
    [InlineData(0u, true)]
    [InlineData(4711u, true)]
    [InlineData(4712u, false)]
    public void A_socket_of_another_user_has_not_the_file_of_this_one(uint? user, bool expected)
    {
        var file = new SocketFile(8, 1, 12345, 0, Owner: 4711);
        var answer = new List<byte>(new byte[16]);
        Add(1, 12345, 77);
        if (user is { } known)
        {
            Add(7, known);
        }

        SocketDiagnosis.IsOf([.. answer], file, byDevice: false).Should().Be(expected);
        SocketDiagnosis.IsOf([.. answer], file with { Node = 12346 }, byDevice: false).Should().BeFalse();

        void Add(ushort type, params uint[] values)
        {
            answer.AddRange(BitConverter.GetBytes((ushort)(4 + (4 * values.Length))));
            answer.AddRange(BitConverter.GetBytes(type));
            answer.AddRange(values.SelectMany(BitConverter.GetBytes));
        }
    }

    [LinuxTheory]
    [Trait("Fault", "X52")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stranger_who_claims_the_name_does_not_keep_a_killed_server_from_starting(bool relative)
    {
        var path = _folder.NewPath();
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path));
            File.Move(path, path + ".away");
        }

        File.Move(path + ".away", path);

        // His folder becomes a link to the server's when he has bound his socket in it.
        var (his, name) = (Path.Combine(_folder.Path, "his"), Path.GetFileName(path));
        Directory.CreateDirectory(his);
        using var stranger = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var claimed = Path.Combine(his, name);
        stranger.Bind(new UnixDomainSocketEndPoint(relative ? Path.GetRelativePath(Environment.CurrentDirectory, claimed) : claimed));
        File.Delete(claimed);
        Directory.Delete(his);
        Directory.CreateSymbolicLink(his, _folder.Path);

        await using var listener = TestEngine.ListenUnix(path);
        await listener.BindAsync(new(), default);

        await UnixListening.ServesAsync(listener);
    }

    [LinuxFact]
    [Trait("Fault", "X52")]
    public async Task The_lock_can_be_opened_by_its_owner_alone_and_goes_with_its_holder()
    {
        var path = _folder.NewPath();
        using (await SocketFileLock.TakeAsync(path, default))
        {
            File.GetUnixFileMode(path + ".lock").Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        File.Exists(path + ".lock").Should().BeFalse();
    }
}
