using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace SocketKit.Tests.TestDoubles;

/// <summary>Where a logger throws.</summary>
public enum LoggerFault
{
    Nowhere,
    Factory,
    IsEnabled,
    Log,
    BeginScope,
    ScopeEnd,
}

/// <summary>A sink that throws, and notes what it was asked before.</summary>
internal sealed class BrokenLogs(LoggerFault fault) : ILoggerFactory, ILogger
{
    /// <summary>The ids of the lines that came.</summary>
    public ConcurrentDictionary<int, int> Ids { get; } = new();

    public int Scopes { get; private set; }

    public ILogger CreateLogger(string categoryName) => fault == LoggerFault.Factory ? throw new IOException("no logger") : this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        Scopes++;
        return fault == LoggerFault.BeginScope ? throw new IOException("no scope") : new Scope(fault);
    }

    public bool IsEnabled(LogLevel logLevel) => fault == LoggerFault.IsEnabled ? throw new IOException("no answer") : true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Ids.AddOrUpdate(eventId.Id, 1, static (_, count) => count + 1);
        _ = formatter(state, exception);
        if (fault == LoggerFault.Log)
        {
            throw new IOException("the disk is full");
        }
    }

    public void Dispose()
    {
    }

    private sealed class Scope(LoggerFault fault) : IDisposable
    {
        public void Dispose()
        {
            if (fault == LoggerFault.ScopeEnd)
            {
                throw new IOException("no end");
            }
        }
    }
}
