using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Clients;

// Policies and clocks that fail: the client ends, and nobody waits for ever. Loggers that fail: nothing else notices.
public partial class ClientReconnectTests
{
    [Fact]
    public async Task A_policy_that_throws_ends_it_and_is_logged()
    {
        var bed = new TestBed();
        await using var client = new SocketClient(bed.ClientOptions(options => options.Reconnect = new Broken()));
        var connect = () => client.ConnectAsync().Soon();

        await connect.Should().ThrowAsync<ConnectException>();
        bed.Logs.GetSnapshot().Should().Contain(line => line.Exception is FormatException && line.Message.Contains("Broken"));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(-5000)]
    public async Task A_negative_delay_is_a_policy_that_failed(int milliseconds)
    {
        var bed = new TestBed();
        var dialer = new WatchedDialer(bed.Network.Dial(TestBed.Address), bed.Time);
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.Dialer = dialer;
            options.Reconnect = new ScriptedReconnect(milliseconds / 1000.0);
        }));
        var connect = () => client.ConnectAsync().Soon();

        (await connect.Should().ThrowAsync<ConnectException>()).Which.Reason.Kind.Should().Be(CloseKind.ConnectFailed);
        bed.Logs.GetSnapshot().Should().Contain(line => line.Id.Id == 45 && line.Message.Contains("ScriptedReconnect") && line.Exception!.Message.Contains("negative"));
        dialer.Dials.Should().ContainSingle();
        client.State.Should().Be(ClientState.Disconnected);
    }

    [Fact]
    public async Task A_delay_that_no_timer_takes_is_cut_to_the_longest()
    {
        var bed = new TestBed();
        await using var client = new SocketClient(bed.ClientOptions(options => options.Reconnect = new ScriptedReconnect(TimeSpan.MaxValue.TotalSeconds / 2)));
        var log = new StateLog(client);
        var connecting = client.ConnectAsync();

        (await log.EnteredAsync(ClientState.Waiting)).RetryIn.Should().Be(TimeSpan.FromMilliseconds(int.MaxValue));
        await client.DisconnectAsync().Soon();
        await connecting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task A_clock_that_throws_ends_it_with_the_exception_and_nobody_hangs()
    {
        var bed = new TestBed();
        var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.TimeProvider = new ShortOfTimers(bed.Time, TimeSpan.FromSeconds(7));
            options.Reconnect = new ScriptedReconnect(7);
        }));
        var connect = () => client.ConnectAsync().Soon();

        var thrown = await connect.Should().ThrowAsync<ConnectException>();
        thrown.Which.Reason.Exception.Should().BeOfType<NotSupportedException>();
        client.State.Should().Be(ClientState.Disconnected);
        await client.DisconnectAsync().Soon();
        await client.DisposeAsync().AsTask().Soon();
    }

    [Fact]
    [Trait("Fault", "X02")]
    public async Task A_logger_that_throws_is_not_noticed_and_the_client_goes_on()
    {
        var bed = new TestBed();
        await using var client = new SocketClient(bed.ClientOptions(options =>
        {
            options.LoggerFactory = new BrokenLogs(LoggerFault.Log);
            options.Reconnect = new ScriptedReconnect(7);
        }));
        var connecting = client.ConnectAsync();
        await bed.Time.MadeAsync(TimeSpan.FromSeconds(7));
        client.State.Should().Be(ClientState.Waiting);
        await bed.StartAsync();
        bed.Advance(8);

        await connecting.Soon();
        await bed.DisposeAsync();
    }

    private sealed class ShortOfTimers(TimeProvider inner, TimeSpan refused) : TimeProvider
    {
        public override long TimestampFrequency => inner.TimestampFrequency;

        public override long GetTimestamp() => inner.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            dueTime == refused ? throw new NotSupportedException("no timer") : inner.CreateTimer(callback, state, dueTime, period);
    }

    private sealed class Broken : IReconnectPolicy
    {
        public TimeSpan? NextDelay(int attempt, CloseReason reason) => throw new FormatException("policy");
    }
}
