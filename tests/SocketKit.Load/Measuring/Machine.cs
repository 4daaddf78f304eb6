using System.Runtime.InteropServices;

namespace SocketKit.Load.Measuring;

/// <summary>What figures must be read with.</summary>
internal static class Machine
{
    /// <summary>Date, processors, system and runtime in one line.</summary>
    public static string Describe() => string.Create(null,
        $"{DateTime.UtcNow:yyyy-MM-dd}, {Environment.ProcessorCount} processors ({ProcessorName()}), {RuntimeInformation.OSDescription.Trim()}, .NET {Environment.Version}");

    private static string ProcessorName()
    {
        const string information = "/proc/cpuinfo";
        var line = File.Exists(information) ? File.ReadLines(information).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line is null ? RuntimeInformation.ProcessArchitecture.ToString() : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
