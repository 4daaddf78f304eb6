using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

/// <summary>
/// The lines that a connection logs. Those that peers can bring about again and again are held back when there are many of a kind: one
/// gate for all connections of a server or client. Thread-safe.
/// </summary>
internal sealed class ConnectionLines(ILogger logger, FloodGates floods, FirstTimes heldLoops)
{
    /// <summary>Code of the user's threw.</summary>
    public void HandlerFailed(IConnection connection, string whose, Exception exception)
    {
        var level = floods.LevelOf(LogLevel.Error, $"failures by {exception.GetType().Name}");
        Log.HandlerFailed(logger, level, connection.Id, connection, whose, exception);
    }

    public void FramerFailed(IConnection connection, IFramer framer, Exception exception)
    {
        var level = floods.LevelOf(LogLevel.Error, "framers that failed");
        Log.FramerFailed(logger, level, connection.Id, connection, framer.GetType().Name, exception);
    }

    /// <summary>A handler holds its event loop. Once may be chance.</summary>
    public void HandlerBlocks(IConnection connection, string handler, TimeSpan time, bool goesOn)
    {
        var level = heldLoops.IsFirst(handler)
            ? LogLevel.Debug
            : floods.LevelOf(LogLevel.Warning, "handlers that hold their event loop");
        Log.HandlerBlocks(logger, level, connection.Id, connection, handler, (long)time.TotalMilliseconds, goesOn ? " so far" : "");
    }

    public void NoThreadLeft(IConnection connection, string handler)
    {
        var level = floods.LevelOf(LogLevel.Error, "handlers that block while no thread is left");
        Log.NoThreadLeft(logger, level, connection.Id, connection, handler);
    }

    /// <summary>A call of this connection's holds the clock up.</summary>
    public void ClockHeldUp(IConnection connection, string what)
    {
        var level = floods.LevelOf(LogLevel.Error, "calls that hold the clock up");
        Log.ClockHeldUp(logger, level, connection.Id, connection, what);
    }

    public void Discarded(IConnection connection, long count)
    {
        var level = floods.LevelOf(LogLevel.Information, "runs of discarded bytes");
        Log.Discarded(logger, level, connection.Id, connection, count);
    }

    public void Closed(IConnection connection, CloseReason reason)
    {
        var level = IsExpected(reason.Kind) ? LogLevel.Debug : floods.LevelOf(LogLevel.Information, reason.Kind);
        if (logger.IsEnabled(level))
        {
            var text = reason.ToString();
            Log.Closed(logger, level, connection.Id, connection, text);
        }
    }

    private static bool IsExpected(CloseKind kind) => kind
        is CloseKind.PeerClosed or CloseKind.Truncated or CloseKind.PeerReset or CloseKind.TransportFailed
        or CloseKind.LocalClosed or CloseKind.Aborted or CloseKind.ServerStopping or CloseKind.TooManyConnections;
}
