using Microsoft.Extensions.Logging;

namespace SocketKit.Clock;

/// <summary>The process's one <see cref="Ticker"/>, for all clocks on the system's time.</summary>
internal static class SystemTicker
{
    private static readonly Ticker Instance = new(static (run, name) => new Thread(run) { IsBackground = true, Name = name }.UnsafeStart());

    /// <summary>See <see cref="Ticker.Subscribe"/>.</summary>
    public static IDisposable Subscribe(Action tick, ILogger logger) => Instance.Subscribe(tick, logger);

    /// <summary>See <see cref="Ticker.Ensure"/>.</summary>
    public static void Ensure() => Instance.Ensure();
}
