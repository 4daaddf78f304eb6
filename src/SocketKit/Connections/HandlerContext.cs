using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace SocketKit.Connections;

/// <summary>
/// The execution contexts that user code runs in. Every handler call begins in its connection's own context, so that what one call leaves
/// in an AsyncLocal is gone at the next, and code called from a handler can tell which connection it serves. Everything else of the library
/// runs in the default context.
/// </summary>
internal static class HandlerContext
{
    private static readonly AsyncLocal<Connection?> Current = new();

    public static ExecutionContext Default { get; } = CaptureDefault();

    /// <summary>The connection whose handler is running here, or null.</summary>
    public static Connection? CurrentConnection => Current.Value;

    /// <summary>
    /// The context of a connection's handler; it holds a scope of the logger, so that every line that the handler logs says which
    /// connection it is about.
    /// </summary>
    public static ExecutionContext For(Connection connection, ILogger logger)
    {
        ExecutionContext? context = null;
        ExecutionContext.Run(Default, _ =>
        {
            Current.Value = connection;
            if (logger != NullLogger.Instance)
            {
                // Never ended: it lives in this context only, and dies with it.
                logger.BeginScope(new ConnectionScope(connection));
            }

            context = ExecutionContext.Capture();
        }, null);
        return context!;
    }

    // A new thread that is started without flow has the default context; the caller's may be anything.
    private static ExecutionContext CaptureDefault()
    {
        ExecutionContext? context = null;
        var thread = new Thread(() => context = ExecutionContext.Capture());
        thread.UnsafeStart();
        thread.Join();
        return context!;
    }
}
