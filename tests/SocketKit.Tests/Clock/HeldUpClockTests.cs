using System.Buffers;
using System.Collections.Concurrent;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Clock;

/// <summary>
/// User code that holds the clock up, in the system's time: virtual time stands still itself while one of its timers does not return.
/// </summary>
[Trait("Fault", "X19")]
public sealed class HeldUpClockTests : IDisposable
{
    private readonly ManualResetEventSlim _release = new();
    private readonly NumberingPolicy _policy;

    public HeldUpClockTests() => _policy = new NumberingPolicy(_release);

    public void Dispose()
    {
        _release.Set();
        _release.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_policy_that_blocks_is_named_and_the_time_of_the_others_goes_on(bool systemTime)
    {
        await using var bed = await StartAsync(systemTime);
        await using var first = await bed.ConnectRawAsync();
        await Eventually.TrueAsync(() => _policy.Rounds.ContainsKey(1));
        await using var second = await bed.ConnectRawAsync();
        await Eventually.TrueAsync(() => _policy.Rounds.ContainsKey(2));
        _policy.Blocks = 1;
        await Eventually.TrueAsync(() => _policy.IsBlocked);

        var before = _policy.Rounds[2];
        await Eventually.TrueAsync(() => _policy.Rounds[2] >= before + 3);
        var line = await Eventually.SomeAsync(() => bed.Logs.GetSnapshot().FirstOrDefault(line => line.Id.Id == 35));
        line.Message.Should().Contain(nameof(NumberingPolicy));
        bed.Logs.GetSnapshot().Count(other => other.Id.Id == 35).Should().Be(1);

        // Its messages are handled all the same, and it is ticked again when the call is back.
        await first.SendAsync("hello\n");
        (await first.ReceiveAsync(6)).Should().Be("hello\n");
        var rounds = _policy.Rounds[1];
        _policy.Blocks = 0;
        _release.Set();
        await Eventually.TrueAsync(() => _policy.Rounds[1] >= rounds + 2);
    }

    [Fact]
    public async Task A_close_keeps_its_deadline_while_the_policy_blocks()
    {
        await using var bed = await StartAsync(systemTime: true, options => options.CloseTimeout = TimeSpan.FromMilliseconds(500));
        await using var first = await bed.ConnectRawAsync();
        await Eventually.TrueAsync(() => _policy.Rounds.ContainsKey(1));
        _policy.Blocks = 1;
        await Eventually.TrueAsync(() => _policy.IsBlocked);

        // The peer does not finish.
        var connection = bed.Sessions.Single().Connection;
        await connection.CloseAsync().AsTask().WaitAsync(TestBed.Patience);

        (await connection.Closed.WaitAsync(TestBed.Patience)).Kind.Should().Be(CloseKind.LocalClosed);
        _policy.IsBlocked.Should().BeTrue();
        await bed.Server.StopAsync().WaitAsync(TestBed.Patience);
    }

    [Fact]
    public async Task A_framer_that_blocks_in_somebodys_send_is_named_and_the_time_of_the_others_goes_on()
    {
        var lines = Framers.Lines();
        var framer = new TestFramer
        {
            OnWrite = (message, output) =>
            {
                if (message.AsSpan().SequenceEqual("block"u8))
                {
                    _release.Wait(TestBed.Patience);
                }

                lines.Write(message, output);
            },
        };
        await using var bed = await StartAsync(systemTime: true, options => options.Framer = framer);
        await using var first = await bed.ConnectRawAsync();
        await Eventually.TrueAsync(() => _policy.Rounds.ContainsKey(1));
        await using var second = await bed.ConnectRawAsync();
        await Eventually.TrueAsync(() => _policy.Rounds.ContainsKey(2));
        var connection = bed.Sessions.First().Connection;
        var sending = Task.Factory.StartNew(() => connection.TrySend("block"u8.ToArray()), TaskCreationOptions.LongRunning);

        var line = await Eventually.SomeAsync(() => bed.Logs.GetSnapshot().FirstOrDefault(line => line.Id.Id == 35));
        line.Message.Should().Contain(nameof(TestFramer));
        var before = _policy.Rounds[2];
        await Eventually.TrueAsync(() => _policy.Rounds[2] >= before + 3);

        _release.Set();
        (await sending.WaitAsync(TestBed.Patience)).Should().BeTrue();
        var rounds = _policy.Rounds[1];
        await Eventually.TrueAsync(() => _policy.Rounds[1] >= rounds + 2);
    }

    private async Task<TestBed> StartAsync(bool systemTime, Action<SocketServerOptions>? configure = null) => await new TestBed().StartAsync(configure: options =>
    {
        options.TimeProvider = systemTime ? TimeProvider.System : new OwnTime();
        options.Heartbeat = _policy;
        configure?.Invoke(options);
    });

    /// <summary>The system's time, but not the system's provider: so timers of the pool tick.</summary>
    private sealed class OwnTime : TimeProvider;

    /// <summary>Numbers the connections from 1 in the order of their first tick, counts their decisions, and blocks one of them.</summary>
    private sealed class NumberingPolicy(ManualResetEventSlim release) : IHeartbeatPolicy
    {
        private long _last;

        private sealed class Number
        {
            public long Value { get; set; }
        }

        public ConcurrentDictionary<long, int> Rounds { get; } = [];

        public long Blocks { get; set; }

        public bool IsBlocked { get; private set; }

        public object CreateState(IConnection connection) => new Number();

        public HeartbeatDecision Decide(in ConnectionPulse pulse, object? state)
        {
            var number = (Number)state!;
            if (number.Value == 0)
            {
                number.Value = Interlocked.Increment(ref _last);
            }

            Rounds.AddOrUpdate(number.Value, 1, static (_, count) => count + 1);
            if (number.Value == Blocks)
            {
                IsBlocked = true;
                release.Wait(TestBed.Patience);
                IsBlocked = false;
            }

            return HeartbeatDecision.Wait(TimeSpan.Zero);
        }

        public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state) => HeartbeatKind.None;

        public void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
        {
        }
    }
}
