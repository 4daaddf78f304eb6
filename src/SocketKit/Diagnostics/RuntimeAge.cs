using Microsoft.Extensions.Logging;

namespace SocketKit.Diagnostics;

/// <summary>
/// Runtimes with holes that a server on the internet must not have: CVE-2026-62901 and CVE-2026-50524 are closed by 10.0.11.
/// </summary>
internal static class RuntimeAge
{
    private static readonly Version Minimum = new(10, 0, 11);

    private static int _told;

    /// <summary>Says so when the runtime is an old one, once in a process.</summary>
    public static void Check(ILogger logger)
    {
        if (Interlocked.Exchange(ref _told, 1) == 0)
        {
            Check(logger, Environment.Version);
        }
    }

    public static void Check(ILogger logger, Version version)
    {
        if (version < Minimum)
        {
            Log.RuntimeOld(logger, version, Minimum);
        }
    }
}
