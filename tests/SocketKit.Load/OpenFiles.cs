using System.Runtime.InteropServices;

namespace SocketKit.Load;

/// <summary>The number of files, and so of sockets, that this process may have open.</summary>
internal static partial class OpenFiles
{
    private const int NumberOfFiles = 7;

    /// <summary>Takes as many as the system grants; what is started later inherits it.</summary>
    public static void RaiseLimit()
    {
        if (OperatingSystem.IsLinux() && GetLimit(NumberOfFiles, out var limit) == 0 && limit.Soft < limit.Hard)
        {
            limit.Soft = limit.Hard;
            if (SetLimit(NumberOfFiles, in limit) != 0)
            {
                Console.Error.WriteLine($"The limit of open files stays as it is: error {Marshal.GetLastPInvokeError()}.");
            }
        }
    }

    /// <exception cref="InvalidOperationException">So many connections cannot be open at once here.</exception>
    public static void RequireFor(int connections)
    {
        RaiseLimit();
        // Some go to the runtime and to the files of the program itself.
        var needed = (nuint)connections + 200;
        if (OperatingSystem.IsLinux() && GetLimit(NumberOfFiles, out var limit) == 0 && limit.Soft < needed)
        {
            throw new InvalidOperationException($"{connections} connections need {needed} open files, and the hard limit is {limit.Hard}: raise it (ulimit -Hn), or take fewer connections.");
        }
    }

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int SetLimit(int resource, in Limit limit);

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public nuint Soft;
        public nuint Hard;
    }
}
