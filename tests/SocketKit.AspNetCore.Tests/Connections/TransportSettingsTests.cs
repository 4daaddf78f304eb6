using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using SocketKit.AspNetCore.Connections;
using SocketKit.AspNetCore.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Connections;

/// <summary>A violation names the option and says what to type.</summary>
public class TransportSettingsTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(int.MaxValue);

    public static TheoryData<string, string, Action<SocketKitTransportOptions>> Violations => new()
    {
        { "SocketKitTransportOptions.Backlog", "0 is out of range; type a number from 1 up", options => options.Backlog = 0 },
        { "SocketKitTransportOptions.FlushTimeout", "00:00:00 is out of range; type a time above zero", options => options.FlushTimeout = TimeSpan.Zero },
        { "SocketKitTransportOptions.FlushTimeout", "below 24 days", options => options.FlushTimeout = Longest + TimeSpan.FromTicks(1) },
        { "SocketKitTransportOptions.UserTimeout", "type a time above zero", options => options.UserTimeout = TimeSpan.Zero },
        { "SocketKitTransportOptions.UserTimeout", "below 24 days", options => options.UserTimeout = TimeSpan.FromDays(25) },
        { "SocketKitTransportOptions.CloseTimeout", "type a time above zero", options => options.CloseTimeout = Timeout.InfiniteTimeSpan },
        { "SocketKitTransportOptions.CloseTimeout", "below 24 days", options => options.CloseTimeout = TimeSpan.MaxValue },
        { "SocketKitTransportOptions.TimeProvider", "is null; type TimeProvider.System", options => options.TimeProvider = null! },
    };

    [Theory]
    [MemberData(nameof(Violations))]
    public void The_transport_says_what_to_type(string option, string advice, Action<SocketKitTransportOptions> violate)
    {
        var options = new SocketKitTransportOptions();
        violate(options);

        var thrown = FluentActions.Invoking(() => Check(options)).Should().Throw<OptionsException>().Which;

        thrown.Option.Should().Be(option);
        thrown.Message.Should().StartWith(option + ": ").And.Contain(advice);
    }

    [Fact]
    public void The_longest_times_are_taken()
    {
        var settings = Check(new SocketKitTransportOptions { FlushTimeout = Longest, CloseTimeout = Longest });

        settings.FlushTimeout.Should().Be(Longest);
        settings.CloseTimeout.Should().Be(Longest);
    }

    [Fact]
    public async Task What_is_out_of_range_ends_the_start_of_the_application()
    {
        var start = () => WebServer.StartAsync(SocketEngine.Auto, _ => { }, services: services => services.AddSocketKitTransport(options => options.CloseTimeout = TimeSpan.FromDays(50)));

        (await start.Should().ThrowAsync<OptionsException>()).Which.Option.Should().Be("SocketKitTransportOptions.CloseTimeout");
    }

    private static TransportSettings Check(SocketKitTransportOptions options) => new(Options.Create(options), NullLoggerFactory.Instance);
}
