using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using SocketKit.Hosting.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Services;

/// <summary>
/// A worker service in a process of its own, configured by environment variables alone, and a signal in the middle of its work.
/// </summary>
public partial class SigtermTests
{
    private const int Terminate = 15;
    private const int Clients = 50;

    [UnixFact]
    [Trait("Fault", "G01")]
    public async Task Every_message_that_was_accepted_is_answered_and_the_process_ends_with_0_inside_its_time_out()
    {
        await using var child = await Child.StartAsync(new() { ["ReplyMilliseconds"] = "100" });
        var clients = Enumerable.Range(0, Clients).Select(_ => new SocketClient(new SocketClientOptions { Dialer = Dial.Tcp("127.0.0.1", child.Port), Framer = Framers.Lines() })).ToArray();
        var answered = 0;
        var firstRound = new CountdownEvent(Clients);
        var loops = clients.Select((client, number) => Task.Run(async () =>
        {
            await client.ConnectAsync();
            for (var round = 0; ; round++)
            {
                try
                {
                    var text = $"{number}/{round}";
                    using var response = await client.RequestAsync(text);
                    response.ToString().Should().Be(text);
                    Interlocked.Increment(ref answered);
                }
                catch (ConnectionClosedException)
                {
                    return;
                }

                if (round == 0)
                {
                    firstRound.Signal();
                }
            }
        })).ToArray();
        firstRound.Wait(HostBed.Patience).Should().BeTrue();

        // Each client has a message at work now, nearly always: it takes 100 ms of a round.
        var watch = Stopwatch.StartNew();
        child.Signal(Terminate);
        (await child.ExitAsync()).Should().Be(0, string.Join('\n', child.Lines));
        watch.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(10), "nothing but the messages at work holds it up");
        await Task.WhenAll(loops).WaitAsync(HostBed.Patience);
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        var totals = child.Lines.Single(line => line.StartsWith("handled ", StringComparison.Ordinal)).Split(' ');
        int.Parse(totals[1], CultureInfo.InvariantCulture).Should().Be(answered, "whatever reached the strategy was answered, and the answer arrived");
        totals[3].Should().Be(totals[1], "each message's scope was disposed of");
        child.Lines.Should().Contain("stopping");
    }

    [UnixFact]
    [Trait("Fault", "G01")]
    public async Task A_message_that_never_ends_does_not_keep_the_process_beyond_its_time_out()
    {
        await using var child = await Child.StartAsync(new() { ["ReplyMilliseconds"] = "600000", ["ShutdownSeconds"] = "2", ["SocketKit__Servers__slow__DrainTimeout"] = "1h" });
        await using var client = new SocketClient(new SocketClientOptions { Dialer = Dial.Tcp("127.0.0.1", child.Port), Framer = Framers.Lines() });
        await client.ConnectAsync();
        var response = client.RequestAsync("x").AsTask();
        await child.WaitForAsync("log handling");
        var watch = Stopwatch.StartNew();
        child.Signal(Terminate);
        (await child.ExitAsync()).Should().Be(0, string.Join('\n', child.Lines));
        watch.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(15), "it has 2 s; its usual time-out is 20 s, the drain time an hour");
        await response.Invoking(task => task.WaitAsync(HostBed.Patience)).Should().ThrowAsync<ConnectionClosedException>();
    }

    private sealed partial class Child : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly SemaphoreSlim _news = new(0);

        private Child(Process process) => _process = process;

        public ConcurrentQueue<string> Lines { get; } = new();

        public int Port { get; private set; }

        public static async Task<Child> StartAsync(Dictionary<string, string> environment)
        {
            var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "SocketKit.Hosting.TestHost.dll")])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["SocketKit__Servers__slow__Listen"] = "tcp://127.0.0.1:0";
            start.Environment["SocketKit__Servers__slow__Framing"] = "Lines";
            foreach (var (name, value) in environment)
            {
                start.Environment[name] = value;
            }

            var child = new Child(new Process { StartInfo = start });
            child._process.OutputDataReceived += (_, line) => child.Take(line.Data);
            child._process.ErrorDataReceived += (_, line) => child.Take(line.Data);
            child._process.Start();
            child._process.BeginOutputReadLine();
            child._process.BeginErrorReadLine();
            child.Port = int.Parse((await child.WaitForAsync("listening ")).Split(' ')[1], CultureInfo.InvariantCulture);
            return child;
        }

        public async Task<string> WaitForAsync(string prefix)
        {
            using var patience = new CancellationTokenSource(HostBed.Patience);
            while (true)
            {
                if (Lines.FirstOrDefault(line => line.StartsWith(prefix, StringComparison.Ordinal)) is { } found)
                {
                    return found;
                }

                try
                {
                    await _news.WaitAsync(patience.Token);
                }
                catch (OperationCanceledException)
                {
                    throw new TimeoutException($"The test host did not say \"{prefix}\". It said:\n{string.Join('\n', Lines)}");
                }
            }
        }

        public void Signal(int signal) => Kill(_process.Id, signal).Should().Be(0);

        public async Task<int> ExitAsync()
        {
            await _process.WaitForExitAsync().WaitAsync(HostBed.Patience);
            return _process.ExitCode;
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
                await _process.WaitForExitAsync().WaitAsync(HostBed.Patience);
            }

            _process.Dispose();
        }

        private void Take(string? line)
        {
            if (line is not null)
            {
                Lines.Enqueue(line);
                _news.Release();
            }
        }

        [LibraryImport("libc", EntryPoint = "kill")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        private static partial int Kill(int process, int signal);
    }
}
