using System.Runtime.Versioning;
using SocketKit.IntegrationTests.TestDoubles;
using SocketKit.Transports.Interop;

namespace SocketKit.IntegrationTests.Transports.Interop;

[SupportedOSPlatform("linux")]
public class FileOwnersTests
{
    private const uint Nobody = 65534;

    [LinuxTheory]
    [InlineData("         0          0 4294967295", true)]
    [InlineData("         0     100000      65536", true)]
    [InlineData("         0     100000      65534", false)]
    [InlineData("         0       1000          1", false)]
    [InlineData("     65534      65534          1", true)]
    [InlineData("nonsense", false)]
    [InlineData("", false)]
    public void The_users_of_a_namespace_are_those_of_its_map(string line, bool covers) =>
        FileOwners.Covers(["         1 100001 2", line], Nobody).Should().Be(covers);

    [LinuxFact]
    public void Root_and_this_user_are_trusted_and_others_are_not()
    {
        FileOwners.IsTrusted(0).Should().BeTrue();
        FileOwners.IsTrusted(SocketFile.Find(Directory.CreateTempSubdirectory("sk-").FullName)!.Value.Owner).Should().BeTrue();
        FileOwners.IsTrusted(4711).Should().BeFalse();
        FileOwners.IsTrusted(Nobody).Should().Be(!FileOwners.Covers(File.ReadLines("/proc/self/uid_map"), Nobody));
    }
}
