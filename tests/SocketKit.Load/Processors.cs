using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace SocketKit.Load;

/// <summary>
/// Puts the server on one processor and the load on others, where the machine has them: then neither takes the other's time.
/// </summary>
internal static partial class Processors
{
    private const int MaskBytes = 128;

    /// <summary>If there is more than one to share out, and a way to do it.</summary>
    public static bool CanPin => Environment.ProcessorCount > 1 && (OperatingSystem.IsLinux() || OperatingSystem.IsWindows());

    /// <summary>Starts a process that stays on one processor.</summary>
    public static Process Start(ProcessStartInfo start, int? processor)
    {
        if (processor is not { } one || !CanPin)
        {
            return Process.Start(start)!;
        }

        if (OperatingSystem.IsLinux())
        {
            // A process inherits the processors of the thread that starts it, so even its first instruction runs in the right place and its
            // runtime counts one processor. Set from outside they would hold for its main thread only.
            Process? child = null;
            OnOwnThread(() =>
            {
                PinThisThread(one);
                child = Process.Start(start);
            });
            return child!;
        }

        var process = Process.Start(start)!;
        if (OperatingSystem.IsWindows())
        {
            process.ProcessorAffinity = (nint)1 << one;
        }

        return process;
    }

    /// <summary>Keeps the calling thread on one processor. Only Linux does that by thread here.</summary>
    public static void PinThisThread(int processor)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        Span<byte> mask = stackalloc byte[MaskBytes];
        mask.Clear();
        mask[processor / 8] = (byte)(1 << (processor % 8));
        if (SetAffinity(0, MaskBytes, mask) != 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError(), $"No thread can be kept on processor {processor}");
        }
    }

    /// <summary>Runs on a thread that ends afterwards, so that nothing else inherits what it changed.</summary>
    private static void OnOwnThread(Action action)
    {
        Exception? thrown = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception exception)
            {
                thrown = exception;
            }
        });
        thread.Start();
        thread.Join();
        if (thrown is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(thrown);
        }
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint size, ReadOnlySpan<byte> mask);
}
