using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using SocketKit.Load.Driving;
using SocketKit.Load.Serving;

namespace SocketKit.Load.Measuring;

/// <summary>
/// A server in a process of its own, on a processor of its own where there is one. It ends with this object, and with this process.
/// </summary>
internal sealed class ServerProcess : IServerProbe, IAsyncDisposable
{
    private readonly Process _process;
    private readonly bool _tells;

    private ServerProcess(Process process, bool tells, int port, bool tls)
    {
        _process = process;
        _tells = tells;
        EndPoint = TlsEndPoint.Of(IPAddress.Loopback, port, tls);
    }

    public IPEndPoint EndPoint { get; }

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>Bytes of memory that the process holds.</summary>
    public long WorkingSet
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    public long? AllocatedBytes => Stats(collect: false)?.AllocatedBytes;

    /// <param name="processor">Null: anywhere.</param>
    /// <param name="arguments">More arguments for <c>serve</c>.</param>
    /// <exception cref="InvalidOperationException">The server does not start.</exception>
    public static async Task<ServerProcess> StartAsync(Contender contender, int? processor, params string[] arguments)
    {
        var start = contender.Arguments is null
            ? new ProcessStartInfo(CEcho.Path, contender.Name == Contender.C ? ["0"] : ["0", "direct"])
            : new ProcessStartInfo(Host, [.. HostArguments, "serve", .. contender.Arguments, "--until-input-ends", .. arguments]);
        var process = Processors.Start(Redirect(start), processor);
        var line = await process.StandardOutput.ReadLineAsync();
        if (!int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            process.Kill();
            process.Dispose();
            throw new InvalidOperationException($"{contender.Title} does not start: {line ?? "it said nothing"}.");
        }

        return new ServerProcess(process, contender.Arguments is not null, port, tls: (contender.Arguments ?? []).Concat(arguments).Contains(Contender.Tls));
    }

    /// <summary>Starts this program once more, on any processor.</summary>
    public static Process StartAgain(params string[] arguments) => Process.Start(Redirect(new ProcessStartInfo(Host, [.. HostArguments, .. arguments])))!;

    /// <summary>What the server tells about itself, after a collection if wanted; null from one that tells nothing.</summary>
    public ServerStats? Stats(bool collect)
    {
        if (!_tells)
        {
            return null;
        }

        _process.StandardInput.WriteLine(collect ? "collect" : "stats");
        _process.StandardInput.Flush();
        return JsonSerializer.Deserialize<ServerStats>(_process.StandardOutput.ReadLine() ?? throw new IOException("The server has ended."), Json.Line);
    }

    /// <summary>Processor time of all servers of this run that have ended.</summary>
    public static TimeSpan TimeOfEnded { get; private set; }

    public async ValueTask DisposeAsync()
    {
        TimeOfEnded += ProcessorTime;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static ProcessStartInfo Redirect(ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;

        // A runtime that is killed leaves its debuggers' socket and pipes behind.
        start.Environment.TryAdd("DOTNET_EnableDiagnostics", "0");
        return start;
    }

    // This program again: by its own name, or by that of the runtime's host.
    private static string Host => IsOwnHost ? Environment.ProcessPath! : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    private static string[] HostArguments => IsOwnHost ? [] : [typeof(ServerProcess).Assembly.Location];

    private static bool IsOwnHost => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == typeof(ServerProcess).Assembly.GetName().Name;
}
