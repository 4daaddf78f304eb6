using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace SocketKit.Diagnostics;

/// <summary>
/// The one guard around an application's loggers: a sink may throw at every call (a full disk, a disposed one), and whoever logs does not
/// notice, and no exception that is logged forges a line. Every logger of the library is made here, so no other code needs a guard.
/// Thread-safe, as far as the logger inside is.
/// </summary>
internal sealed class SafeLogger : ILogger
{
    private readonly ILogger _inner;
    private readonly Action _failed;

    private SafeLogger(ILogger inner, Action failed)
    {
        _inner = inner;
        _failed = failed;
    }

    /// <summary>Makes a logger that never throws; one that does nothing where there is no factory, or where it fails.</summary>
    /// <param name="factory">Where logs go, or null.</param>
    /// <param name="category">The logger's category.</param>
    /// <param name="failed">Called for each failure. Must not throw.</param>
    public static ILogger Create(ILoggerFactory? factory, string category, Action failed)
    {
        ILogger? inner = null;
        try
        {
            inner = factory?.CreateLogger(category);
        }
#pragma warning disable CA1031 // The guard itself.
        catch (Exception)
#pragma warning restore CA1031
        {
            failed();
        }

        return inner is null || inner == NullLogger.Instance ? NullLogger.Instance : new SafeLogger(inner, failed);
    }

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return _inner.IsEnabled(logLevel);
        }
#pragma warning disable CA1031 // The guard itself.
        catch (Exception)
#pragma warning restore CA1031
        {
            _failed();
            return false;
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            var logged = LoggedException.Of(exception);
            _inner.Log(logLevel, eventId, state, logged, formatter);
        }
#pragma warning disable CA1031 // The guard itself.
        catch (Exception)
#pragma warning restore CA1031
        {
            _failed();
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        try
        {
            return _inner.BeginScope(state) is { } scope ? new Scope(scope, _failed) : null;
        }
#pragma warning disable CA1031 // The guard itself.
        catch (Exception)
#pragma warning restore CA1031
        {
            _failed();
            return null;
        }
    }

    private sealed class Scope(IDisposable inner, Action failed) : IDisposable
    {
        public void Dispose()
        {
            try
            {
                inner.Dispose();
            }
#pragma warning disable CA1031 // The guard itself.
            catch (Exception)
#pragma warning restore CA1031
            {
                failed();
            }
        }
    }
}
