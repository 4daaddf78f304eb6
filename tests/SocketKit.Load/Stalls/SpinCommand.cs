using System.CommandLine;
using System.Diagnostics;
using SocketKit.Load.Measuring;

namespace SocketKit.Load.Stalls;

/// <summary><c>spin</c>: a process that takes a processor until its standard input ends.</summary>
internal static class SpinCommand
{
    private const string Name = "spin";

    public static Command Create()
    {
        var command = new Command(Name, "The busy process beside measure stalls.") { Hidden = true };
        command.SetAction(async (_, _) =>
        {
            using var stop = new CancellationTokenSource();
            var spinning = Task.Factory.StartNew(() =>
            {
                while (!stop.IsCancellationRequested)
                {
                    Thread.SpinWait(100);
                }
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            await Console.In.ReadToEndAsync(CancellationToken.None);
            await stop.CancelAsync();
            await spinning;
        });
        return command;
    }

    /// <summary>Starts so many of them; they end with what is returned, and with this process.</summary>
    public static IDisposable Start(int count) => new Spinners([.. Enumerable.Range(0, count).Select(_ => ServerProcess.StartAgain(Name))]);

    private sealed class Spinners(Process[] processes) : IDisposable
    {
        public void Dispose()
        {
            foreach (var process in processes)
            {
                process.Kill();
                process.WaitForExit();
                process.Dispose();
            }
        }
    }
}
