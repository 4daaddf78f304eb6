using CsCheck;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Abstractions;

[Trait("Fault", "R01")]
public class BackoffReconnectTests
{
    private static readonly CloseReason Failed = new(CloseKind.ConnectFailed, ClosePhase.Connecting, CloseParty.Network, null, null);

    [Fact]
    public void The_ceiling_doubles_from_500_ms_to_30_s()
    {
        var policy = new BackoffReconnect(random: new Highest());
        var delays = Enumerable.Range(1, 9).Select(attempt => policy.NextDelay(attempt, Failed)!.Value.TotalSeconds);
        delays.Should().Equal(0.5, 1, 2, 4, 8, 16, 30, 30, 30);
    }

    [Fact]
    public void The_jitter_is_full()
    {
        var policy = new BackoffReconnect(random: new Random(1));
        var delays = Enumerable.Range(0, 10_000).Select(_ => policy.NextDelay(3, Failed)!.Value.TotalSeconds).ToArray();
        delays.Should().OnlyContain(delay => delay >= 0 && delay < 2);
        delays.Average().Should().BeApproximately(1, 0.03);
        for (var decile = 0; decile < 10; decile++)
        {
            delays.Count(delay => (int)(delay * 5) == decile).Should().BeInRange(850, 1150);
        }
    }

    [Fact]
    public void The_same_seed_gives_the_same_delays()
    {
        var one = new BackoffReconnect(random: new Random(5));
        var two = new BackoffReconnect(random: new Random(5));
        for (var attempt = 1; attempt < 50; attempt++)
        {
            one.NextDelay(attempt, Failed).Should().Be(two.NextDelay(attempt, Failed));
        }
    }

    [Fact]
    public void Any_attempt_gives_a_delay_below_the_cap() => Gen.Int[1, int.MaxValue].Sample(attempt =>
        new BackoffReconnect(TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(7), new Highest()).NextDelay(attempt, Failed) <= TimeSpan.FromMinutes(7));

    [Fact]
    public void It_gives_up_at_MaxAttempts_and_when_rejected()
    {
        var policy = new BackoffReconnect { MaxAttempts = 3 };
        policy.NextDelay(2, Failed).Should().NotBeNull();
        policy.NextDelay(3, Failed).Should().BeNull();
        policy.NextDelay(4, Failed).Should().BeNull();
        policy.NextDelay(1, Shorthand.Because(CloseKind.Rejected)).Should().BeNull();
        new BackoffReconnect().NextDelay(1_000_000, Failed).Should().NotBeNull();
    }

    [Theory]
    [InlineData(ClosePhase.Connecting, false)]
    [InlineData(ClosePhase.Opening, false)]
    [InlineData(ClosePhase.Open, true)]
    [InlineData(ClosePhase.Draining, true)]
    public void The_loss_of_a_connection_never_ends_it(ClosePhase phase, bool goesOn) =>
        new BackoffReconnect { MaxAttempts = 1 }.NextDelay(1, Failed with { Phase = phase }).HasValue.Should().Be(goesOn);

    [Fact]
    public void A_first_ceiling_above_30_s_raises_the_cap() =>
        new BackoffReconnect(TimeSpan.FromMinutes(2), random: new Highest()).NextDelay(5, Failed).Should().Be(TimeSpan.FromMinutes(2));

    [Fact]
    public void Its_arguments_are_checked()
    {
        FluentActions.Invoking(() => new BackoffReconnect(TimeSpan.Zero)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("first");
        FluentActions.Invoking(() => new BackoffReconnect(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1))).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("cap");
        FluentActions.Invoking(() => new BackoffReconnect(TimeSpan.MaxValue)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("first");
        FluentActions.Invoking(() => new BackoffReconnect(cap: TimeSpan.MaxValue)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("cap");
        FluentActions.Invoking(() => new BackoffReconnect(cap: TimeSpan.FromDays(1) + TimeSpan.FromTicks(1))).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("cap");
        FluentActions.Invoking(() => new BackoffReconnect { MaxAttempts = 0 }).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("MaxAttempts");
        new BackoffReconnect(TimeSpan.FromDays(1), TimeSpan.FromDays(1), new Highest()).NextDelay(9, Failed).Should().Be(TimeSpan.FromDays(1));
        FluentActions.Invoking(() => new BackoffReconnect().NextDelay(0, Failed)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new BackoffReconnect().NextDelay(1, null!)).Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public async Task A_given_Random_is_locked()
    {
        var random = new Colliding();
        var policy = new BackoffReconnect(random: random);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 2000; i++)
            {
                policy.NextDelay(1, Failed);
            }
        }))).Soon();
        random.Collisions.Should().Be(0);
    }

    private sealed class Highest : Random
    {
        public override double NextDouble() => 1;
    }

    private sealed class Colliding : Random
    {
        private int _inside;

        public int Collisions { get; private set; }

        public override double NextDouble()
        {
            Collisions += Interlocked.Increment(ref _inside) == 1 ? 0 : 1;
            Thread.SpinWait(20);
            Interlocked.Decrement(ref _inside);
            return 0.5;
        }
    }
}
