using System.Runtime.CompilerServices;

namespace SocketKit.Tests.TestDoubles;

/// <summary>Files of the repository, for tests that hold documents to the code.</summary>
internal static class Repository
{
    public static string PathOf(string name) => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../..", name));

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
