using Microsoft.Extensions.Logging;

namespace SocketKit.Diagnostics;

/// <summary>
/// Holds a kind of log line back that many peers can bring about: the first <see cref="Burst"/> in a <see cref="Window"/> are logged as
/// usual, the rest at Debug. One line says when holding back begins, and one, with the count, when it ends: after a window with no more
/// than <see cref="Burst"/>. Thread-safe; a timer runs only while lines are held back.
/// </summary>
/// <param name="logger">Gets the two lines.</param>
/// <param name="time">The clock.</param>
/// <param name="what">The lines, in the plural: <c>failed TLS handshakes</c>.</param>
internal sealed class FloodGate(ILogger logger, TimeProvider time, string what)
{
    /// <summary>So many lines in a window are no flood.</summary>
    public const int Burst = 10;

    public static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private ITimer? _timer;
    private long _windowBegan;
    private long _floodBegan;
    private int _passed;
    private long _inWindow;
    private long _held;

    /// <summary>
    /// The level at which to log the next one: as usual, or Debug. Never throws: with a clock that does, nothing is held back.
    /// </summary>
    public LogLevel LevelOf(LogLevel usual)
    {
        try
        {
            return Decide(usual);
        }
#pragma warning disable CA1031 // A clock of somebody else's; a line too many is better than a call that fails for it.
        catch (Exception)
#pragma warning restore CA1031
        {
            return usual;
        }
    }

    private LogLevel Decide(LogLevel usual)
    {
        // What nobody reads needs no holding back.
        if (!logger.IsEnabled(usual))
        {
            return usual;
        }

        lock (_lock)
        {
            if (_timer is not null)
            {
                _inWindow++;
                _held++;
                return LogLevel.Debug;
            }

            var now = time.GetTimestamp();
            if (_passed == 0 || time.GetElapsedTime(_windowBegan, now) >= Window)
            {
                _windowBegan = now;
                _passed = 0;
            }

            if (_passed < Burst)
            {
                _passed++;
                return usual;
            }

            _passed = 0;
            _inWindow = _held = 1;
            _floodBegan = now;
            using (ExecutionContext.SuppressFlow())
            {
                _timer = time.CreateTimer(static self => ((FloodGate)self!).Look(), this, Window, Window);
            }
        }

        Log.FloodBegan(logger, what, Burst, Window);
        return LogLevel.Debug;
    }

    private void Look()
    {
        try
        {
            TellIfOver();
        }
#pragma warning disable CA1031 // On a timer's thread; see LevelOf.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ClockFailed(logger, time.GetType().Name, exception);
        }
    }

    private void TellIfOver()
    {
        long held;
        TimeSpan duration;
        lock (_lock)
        {
            var inWindow = _inWindow;
            _inWindow = 0;
            if (_timer is null || inWindow > Burst)
            {
                return;
            }

            _timer.Dispose();
            _timer = null;
            held = _held;
            duration = time.GetElapsedTime(_floodBegan);
        }

        Log.FloodEnded(logger, held, what, duration);
    }
}
