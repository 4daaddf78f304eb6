using System.Globalization;
using System.Runtime.Versioning;

namespace SocketKit.Transports.Interop;

/// <summary>
/// Whose files and folders are as good as one's own: root's and this user's. In a user namespace, those of users outside of it show as the
/// user 65534 (user_namespaces(7)); they count as root's.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class FileOwners
{
    private const uint Root = 0;
    private const uint Unmapped = 65534;
    private const string Map = "/proc/self/uid_map";

    public static bool IsTrusted(uint owner) =>
        owner == Root || owner == PeerCredentials.Own()?.UserId || (owner == Unmapped && IsNobodysNumberFree());

    /// <summary>No user of this namespace has the number.</summary>
    private static bool IsNobodysNumberFree()
    {
        try
        {
            return !Covers(File.ReadLines(Map), Unmapped);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Lines of the first number inside, the first outside, and how many follow each other.</summary>
    public static bool Covers(IEnumerable<string> map, uint user)
    {
        foreach (var line in map)
        {
            var columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (columns.Length == 3
                && ulong.TryParse(columns[0], CultureInfo.InvariantCulture, out var first) && ulong.TryParse(columns[2], CultureInfo.InvariantCulture, out var count)
                && user >= first && user < first + count)
            {
                return true;
            }
        }

        return false;
    }
}
