using System.Diagnostics;

namespace SocketKit.Load.Measuring;

/// <summary>The C server: built from echo.c with the machine's compiler, once per run of this tool.</summary>
internal static class CEcho
{
    private static readonly Lazy<(string? Path, string? Missing)> Built = new(Build);

    /// <summary>Why there is no C server here, or null.</summary>
    public static string? Missing => Built.Value.Missing;

    public static string Path => Built.Value.Path ?? throw new NotSupportedException(Missing);

    private static (string? Path, string? Missing) Build()
    {
        if (!OperatingSystem.IsLinux())
        {
            return (null, "the C server needs epoll, which is Linux");
        }

        var source = System.IO.Path.Combine(AppContext.BaseDirectory, "echo.c");
        var output = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"socketkit-echo-{Environment.ProcessId}");
        foreach (var compiler in new[] { "cc", "gcc", "clang" }.Where(IsInstalled))
        {
            using var process = Process.Start(new ProcessStartInfo(compiler, ["-O2", "-o", output, source]) { RedirectStandardError = true })!;
            var errors = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0)
            {
                AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(output);
                return (output, null);
            }

            return (null, $"{compiler} did not compile echo.c: {errors.Trim()}");
        }

        return (null, "this machine has no C compiler (cc, gcc or clang)");
    }

    private static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator).Any(folder => File.Exists(System.IO.Path.Combine(folder, program)));
}
