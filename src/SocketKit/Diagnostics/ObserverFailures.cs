using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace SocketKit.Diagnostics;

/// <summary>
/// How often whoever observes has thrown: the only trace that is left of it. A metric shows the counts when it is read, so that no listener
/// is called for them. Thread-safe.
/// </summary>
internal static class ObserverFailures
{
    private const string Observer = "socketkit.observer";

    private static readonly KeyValuePair<string, object?> Logger = new(Observer, "logger");
    private static readonly KeyValuePair<string, object?> Meter = new(Observer, "meter");
    private static readonly KeyValuePair<string, object?> Activity = new(Observer, "activity");
    private static long _loggers;
    private static long _meters;
    private static long _activities;

    /// <summary>A logger, its factory or one of its scopes.</summary>
    public static long Loggers => Interlocked.Read(ref _loggers);

    /// <summary>A listener of a meter.</summary>
    public static long Meters => Interlocked.Read(ref _meters);

    /// <summary>A listener of an activity source.</summary>
    public static long Activities => Interlocked.Read(ref _activities);

    public static void CountLogger() => Interlocked.Increment(ref _loggers);

    public static void CountMeter() => Interlocked.Increment(ref _meters);

    public static void CountActivity() => Interlocked.Increment(ref _activities);

    /// <summary>A logger of an application that never throws.</summary>
    public static ILogger CreateLogger(ILoggerFactory? factory, string category) => SafeLogger.Create(factory, category, CountLogger);

    public static IEnumerable<Measurement<long>> Observe() => [new(Loggers, Logger), new(Meters, Meter), new(Activities, Activity)];
}
