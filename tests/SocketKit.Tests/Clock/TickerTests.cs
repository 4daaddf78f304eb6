using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Clock;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Clock;

/// <summary>The clock's thread, in the system's time: it cannot be had, it is held up, what it calls throws.</summary>
public sealed class TickerTests : IDisposable
{
    private readonly ManualResetEventSlim _release = new();
    private readonly ConcurrentBag<Thread> _threads = [];
    private readonly Ticker _ticker;
    private volatile bool _givesNone;
    private int _asked;

    public TickerTests() => _ticker = new Ticker(Start);

    public void Dispose()
    {
        _release.Set();
        foreach (var thread in _threads)
        {
            thread.Join(TestBed.Patience).Should().BeTrue("with nobody to tick, all threads end");
        }

        _release.Dispose();
    }

    [Fact]
    [Trait("Fault", "X18")]
    public async Task While_the_system_gives_no_thread_a_timer_ticks_and_asks_again()
    {
        var ticks = 0;
        _givesNone = true;
        using var subscription = _ticker.Subscribe(() => Interlocked.Increment(ref ticks), NullLogger.Instance);
        await Eventually.TrueAsync(() => Volatile.Read(ref ticks) >= 3);
        _threads.Should().BeEmpty();

        _givesNone = false;
        await Eventually.TrueAsync(() => _threads.Any(thread => thread.Name == "SocketKit clock"));
        var before = Volatile.Read(ref ticks);
        await Eventually.TrueAsync(() => Volatile.Read(ref ticks) >= before + 3);
        _threads.Count(thread => thread.Name == "SocketKit clock").Should().Be(1);
    }

    [Fact]
    [Trait("Fault", "X18")]
    public async Task Without_a_thread_the_next_connection_asks_again()
    {
        var ticks = 0;
        _givesNone = true;
        using var subscription = _ticker.Subscribe(() => Interlocked.Increment(ref ticks), NullLogger.Instance);
        var asked = Volatile.Read(ref _asked);
        _givesNone = false;

        _ticker.Ensure();

        Volatile.Read(ref _asked).Should().BeGreaterThan(asked);
        _threads.Should().Contain(thread => thread.Name == "SocketKit clock");
        await Eventually.TrueAsync(() => Volatile.Read(ref ticks) >= 2);
    }

    [Fact]
    [Trait("Fault", "X19")]
    public async Task A_call_that_does_not_return_loses_the_clock_and_the_others_tick_on()
    {
        var (held, others) = (0, 0);
        using var blocks = _ticker.Subscribe(
            () =>
            {
                if (Interlocked.Increment(ref held) == 1)
                {
                    _release.Wait(TestBed.Patience);
                }
            },
            NullLogger.Instance);
        using var other = _ticker.Subscribe(() => Interlocked.Increment(ref others), NullLogger.Instance);

        await Eventually.TrueAsync(() => Volatile.Read(ref others) >= 3);
        Volatile.Read(ref held).Should().BeGreaterThan(1, "whoever is called may tell by itself that it is being called");
        _threads.Count(thread => thread.Name == "SocketKit clock").Should().Be(2);

        _release.Set();
        await Eventually.TrueAsync(() => _threads.Count(thread => thread.Name == "SocketKit clock" && thread.IsAlive) == 1);
        var before = Volatile.Read(ref others);
        await Eventually.TrueAsync(() => Volatile.Read(ref others) >= before + 2);
    }

    [Fact]
    [Trait("Fault", "X02")]
    public async Task What_throws_does_not_end_the_clock()
    {
        var others = 0;
        using var throws = _ticker.Subscribe(() => throw new FormatException("a tick"), NullLogger.Instance);
        using var other = _ticker.Subscribe(() => Interlocked.Increment(ref others), NullLogger.Instance);

        await Eventually.TrueAsync(() => Volatile.Read(ref others) >= 3);
    }

    private void Start(ThreadStart run, string name)
    {
        Interlocked.Increment(ref _asked);
        if (_givesNone)
        {
            throw new OutOfMemoryException("no thread");
        }

        var thread = new Thread(run) { IsBackground = true, Name = name };
        _threads.Add(thread);
        thread.UnsafeStart();
    }
}
