using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>
/// The test peer in a process of its own: commands go in, lines come out. It ends with its standard input, so none outlives the tests.
/// </summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Channel<string> _unread = Channel.CreateUnbounded<string>();
    private int _disposed;

    private ChildProcess(Process process) => _process = process;

    /// <summary>All lines so far.</summary>
    public ConcurrentQueue<string> Lines { get; } = new();

    /// <summary>Where a serving peer listens.</summary>
    public EndPoint EndPoint { get; private set; } = new IPEndPoint(IPAddress.None, 0);

    public static ChildProcess Start(params string[] arguments) => Start([], arguments);

    /// <summary>Starts it in a network namespace. Root.</summary>
    public static ChildProcess StartIn(string networkNamespace, string[] arguments) => Start(["ip", "netns", "exec", networkNamespace], arguments);

    /// <summary>Starts it in a shell that obeys a limit first.</summary>
    public static ChildProcess StartLimited(string limit, params string[] arguments) =>
        Start(["bash", "-c", $"{limit} && exec \"$@\"", "bash"], arguments);

    /// <summary>Starts a server on the engine under test.</summary>
    public static Task<ChildProcess> ServeAsync(params string[] options) => ServeAsync("", options);

    /// <summary>Starts a server in a shell that obeys a limit first, say <c>ulimit -n 200</c>.</summary>
    public static Task<ChildProcess> ServeAsync(string limit, string[] options) =>
        ListeningAsync(Start(limit.Length > 0 ? ["bash", "-c", $"{limit} && exec \"$@\"", "bash"] : [], Serve(options)));

    /// <summary>Starts a server in a network namespace. Root.</summary>
    public static Task<ChildProcess> ServeInAsync(string networkNamespace, string[] options) => ListeningAsync(StartIn(networkNamespace, Serve(options)));

    private static string[] Serve(string[] options) => ["serve", $"engine={TestEngine.Engine}", .. TestWire.IsUnix ? [$"path={TestWire.NewPath()}"] : Array.Empty<string>(), .. options];

    private static async Task<ChildProcess> ListeningAsync(ChildProcess child)
    {
        var line = await child.WaitForAsync("log Information 1 Listening on ");
        var address = line.Split(' ')[5];
        child.EndPoint = address.StartsWith('/') ? new UnixEndPoint(address) : IPEndPoint.Parse(address);
        return child;
    }

    /// <summary>Resident memory in bytes.</summary>
    public long ResidentMemory
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Open descriptors; 0 where that cannot be told.</summary>
    public int Descriptors => OperatingSystem.IsLinux() ? Directory.GetFiles($"/proc/{_process.Id}/fd").Length : 0;

    /// <summary>Open sockets: unlike files, the runtime opens none by itself. Linux.</summary>
    public int Sockets => Directory.GetFiles($"/proc/{_process.Id}/fd").Count(path => new FileInfo(path).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);

    /// <summary>How many of its threads have a name that begins so. Linux.</summary>
    public int ThreadsNamed(string prefix) => Threads(prefix).Count();

    /// <summary>How often the engine's threads have been put on a processor so far. Linux.</summary>
    public long Switches() => Threads("SocketKit loop").Sum(thread => thread.Switches);

    public void Command(string command) => _process.StandardInput.WriteLine(command);

    /// <summary>Waits for a line that begins so; lines before it are skipped.</summary>
    public async Task<string> WaitForAsync(string prefix)
    {
        using var patience = new CancellationTokenSource(TestServer.Patience);
        try
        {
            while (true)
            {
                var line = await _unread.Reader.ReadAsync(patience.Token);
                if (line.StartsWith(prefix, StringComparison.Ordinal))
                {
                    return line;
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            throw new TimeoutException($"The test peer did not say \"{prefix}\". It said:\n{string.Join('\n', Lines)}", exception);
        }
    }

    /// <summary>Gives a command that is answered by numbers.</summary>
    public async Task<IReadOnlyDictionary<string, long>> AskAsync(string command, string answer = "stats")
    {
        Command(command);
        var line = await WaitForAsync(answer + " ");
        return line.Split(' ').Skip(1).Select(word => word.Split('=')).ToDictionary(pair => pair[0], pair => long.Parse(pair[1], CultureInfo.InvariantCulture));
    }

    /// <summary>How many log lines with this event id came so far.</summary>
    public int CountLog(int eventId) => Lines.Count(line => line.StartsWith("log ", StringComparison.Ordinal) && line.Split(' ')[2] == eventId.ToString(CultureInfo.InvariantCulture));

    /// <summary>Ends the process without notice, as <c>kill -9</c> does.</summary>
    public void Kill() => _process.Kill();

    public void Signal(int signal) => SendSignal(_process.Id, signal).Should().Be(0);

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TestServer.Patience);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _process.Kill();

        await _process.WaitForExitAsync().WaitAsync(TestServer.Patience);
        _process.Dispose();
        if (EndPoint is UnixEndPoint { Path: { } path })
        {
            // What is killed leaves its socket behind.
            File.Delete(path);
        }
    }

    /// <param name="before">A command that runs the command that follows it, and in its own process.</param>
    /// <param name="arguments">The test peer's.</param>
    private static ChildProcess Start(string[] before, string[] arguments)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        string[] command = [.. before, dotnet, Path.Combine(AppContext.BaseDirectory, "SocketKit.TestPeer.dll"), .. arguments];
        if (IgnoresInterrupt())
        {
            command = ["env", "--default-signal=INT", .. command];
        }

        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Its runtime would leave a socket and two pipes for debuggers behind when it is killed.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        var process = new Process { StartInfo = start };
        var child = new ChildProcess(process);
        process.OutputDataReceived += (_, line) => child.Take(line.Data);
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
            {
                child.Lines.Enqueue("error output: " + line.Data);
            }
        };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return child;
    }

    /// <summary>
    /// A shell starts a background job with SIGINT ignored, and what is ignored is inherited: a child could not be interrupted then.
    /// </summary>
    private static bool IgnoresInterrupt()
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        const ulong interrupt = 1UL << 1;
        var ignored = File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        return (ulong.Parse(ignored.AsSpan("SigIgn:".Length).Trim(), System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture) & interrupt) != 0;
    }

    private IEnumerable<(string Name, long Switches)> Threads(string prefix)
    {
        foreach (var folder in Directory.GetDirectories($"/proc/{_process.Id}/task"))
        {
            string[] status;
            try
            {
                status = File.ReadAllLines(Path.Combine(folder, "status"));
            }
            catch (IOException)
            {
                // It has ended meanwhile.
                continue;
            }

            string Value(string name) => status.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..].Trim() ?? "0";
            if (Value("Name:").StartsWith(prefix, StringComparison.Ordinal))
            {
                yield return (Value("Name:"), long.Parse(Value("voluntary_ctxt_switches:"), CultureInfo.InvariantCulture) + long.Parse(Value("nonvoluntary_ctxt_switches:"), CultureInfo.InvariantCulture));
            }
        }
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            _unread.Writer.TryComplete();
            return;
        }

        Lines.Enqueue(line);
        _unread.Writer.TryWrite(line);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SendSignal(int process, int signal);
}
