using System.Runtime.Versioning;

namespace SocketKit.Transports.Unix;

/// <summary>The paths that living sockets of this network namespace are bound to, as Linux lists them in /proc/net/unix (proc(5)). A socket that is bound and does not listen yet refuses connections like one that a dead process has left.</summary>
internal static class BoundSockets
{
    private const string List = "/proc/net/unix";
    private const int ColumnsBeforePath = 7;

    /// <summary>A living socket is bound to this file, or it cannot be told.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="file">What lies there.</param>
    [SupportedOSPlatform("linux")]
    public static bool MayHold(string path, SocketFile file)
    {
        try
        {
            return Holds(File.ReadLines(List), path, file, static other => SocketFile.Find(other, follows: true));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>The same with the list at hand.</summary>
    public static bool Holds(IEnumerable<string> list, string path, SocketFile file, Func<string, SocketFile?> find)
    {
        var name = Path.GetFileName(path);
        foreach (var line in list.Skip(1))
        {
            if (PathOf(line) is not { } bound || bound.StartsWith('@'))
            {
                continue;
            }

            // The list has the path as it was bound: one that is relative to a folder that nobody knows may be any of its name.
            if (Path.IsPathRooted(bound) ? bound == path || (find(bound) is { } other && other.IsSameAs(file)) : Path.GetFileName(bound) == name)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The eighth column, which may hold blanks; null: the socket has no name.</summary>
    private static string? PathOf(string line)
    {
        var at = 0;
        for (var column = 0; column < ColumnsBeforePath; column++)
        {
            while (at < line.Length && line[at] == ' ')
            {
                at++;
            }

            while (at < line.Length && line[at] != ' ')
            {
                at++;
            }
        }

        return at + 1 < line.Length ? line[(at + 1)..] : null;
    }
}
