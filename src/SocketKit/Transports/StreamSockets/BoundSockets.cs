using System.Runtime.Versioning;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// Which files living sockets of this network namespace are bound to without listening: such a socket refuses connections like one that a
/// dead process has left.
/// </summary>
internal static class BoundSockets
{
    private const string List = "/proc/net/unix";

    // Num, RefCount, Protocol, Flags, Type, St, Inode: then comes the path.
    private const int Flags = 3;
    private const int State = 5;
    private const int ColumnsBeforePath = 7;

    /// <summary>A living socket is bound to this file, or it cannot be told.</summary>
    /// <param name="path">The full path.</param>
    /// <param name="file">What lies there.</param>
    [SupportedOSPlatform("linux")]
    public static bool MayHold(string path, SocketFile file)
    {
        // By the file itself, which nobody can feign; the list has names alone, and some kernels have nothing else.
        if (SocketDiagnosis.IsBoundTo(path, file) is { } isBound)
        {
            return isBound;
        }

        try
        {
            return Holds(File.ReadLines(List), path, file, static other => SocketFile.Find(other, follows: true));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>The same by the kernel's list (proc(5)), at hand.</summary>
    public static bool Holds(IEnumerable<string> list, string path, SocketFile file, Func<string, SocketFile?> find)
    {
        var name = Path.GetFileName(path);
        foreach (var line in list.Skip(1))
        {
            if (QuietPathOf(line) is not { } bound || bound.StartsWith('@'))
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

    /// <summary>
    /// The path, which may hold blanks, of a socket that neither listens nor is connected: one that listens would have answered, and an
    /// accepted one has its listener's path. Null: it is no such socket, or has no name.
    /// </summary>
    private static string? QuietPathOf(string line)
    {
        const string NoFlags = "00000000";
        const string Unconnected = "01";
        var at = 0;
        for (var column = 0; column < ColumnsBeforePath; column++)
        {
            while (at < line.Length && line[at] == ' ')
            {
                at++;
            }

            var start = at;
            while (at < line.Length && line[at] != ' ')
            {
                at++;
            }

            var value = line.AsSpan(start, at - start);
            if ((column == Flags && !value.SequenceEqual(NoFlags)) || (column == State && !value.SequenceEqual(Unconnected)))
            {
                return null;
            }
        }

        return at + 1 < line.Length ? line[(at + 1)..] : null;
    }
}
