using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SocketKit.Hosting.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Services;

public class KeyedServicesTests
{
    [Fact]
    public async Task A_single_server_and_a_single_client_are_there_by_key_and_without()
    {
        await using var host = new HostBed();
        host.AddServer("replies").UseReplies(new GuessThanksSorryOkReplies());
        host.Services.AddSocketClient("upstream", options => (options.Dialer, options.Framer) = (host.Network.Dial("replies"), Framers.Lines()));
        await host.StartAsync();

        host.Host.Services.GetRequiredService<ISocketServer>().Should().BeSameAs(host.Server("replies"));
        host.Host.Services.GetRequiredService<ISocketClient>().Should().BeSameAs(host.Host.Services.GetRequiredKeyedService<ISocketClient>("upstream"));
    }

    [Fact]
    public async Task The_name_tells_a_server_or_client_apart_in_metrics_unless_the_program_says_another()
    {
        await using var host = new HostBed();
        host.AddServer("replies").UseReplies(new GuessThanksSorryOkReplies());
        host.AddServer("other", options => options.Name = "mine").UseReplies(new GuessThanksSorryOkReplies());
        host.Services.AddSocketClient("upstream", options => (options.Dialer, options.Framer) = (host.Network.Dial("replies"), Framers.Lines()));

        host.Host.Services.GetRequiredService<IOptionsMonitor<SocketServerOptions>>().Get("replies").Name.Should().Be("replies");
        host.Host.Services.GetRequiredService<IOptionsMonitor<SocketServerOptions>>().Get("other").Name.Should().Be("mine");
        host.Host.Services.GetRequiredService<IOptionsMonitor<SocketClientOptions>>().Get("upstream").Name.Should().Be("upstream");
    }

    [Fact]
    public async Task Several_are_there_by_key_and_the_plain_service_says_so()
    {
        await using var host = new HostBed();
        host.AddServer("one").UseReplies(new GuessThanksSorryOkReplies());
        host.AddServer("two").UseReplies(ReplyStrategy.From(text => text + "!"));
        host.Services.AddSocketClient("a", options => (options.Dialer, options.Framer) = (host.Network.Dial("one"), Framers.Lines()));
        host.Services.AddSocketClient("b", options => (options.Dialer, options.Framer) = (host.Network.Dial("two"), Framers.Lines()));
        await host.StartAsync();

        host.Server("one").Should().NotBeSameAs(host.Server("two"));
        (await host.AskAsync("one", "1")).Should().Be("你猜!");
        (await host.AskAsync("two", "1")).Should().Be("1!");
        host.Host.Services.Invoking(services => services.GetRequiredService<ISocketServer>()).Should().Throw<InvalidOperationException>()
            .WithMessage("There are 2 servers (one, two)*[FromKeyedServices(\"one\")] ISocketServer");
        host.Host.Services.Invoking(services => services.GetRequiredService<ISocketClient>()).Should().Throw<InvalidOperationException>()
            .WithMessage("There are 2 clients (a, b)*[FromKeyedServices(\"a\")] ISocketClient");
    }

    [Fact]
    public void A_name_is_used_once_and_holds_no_colon()
    {
        var services = new ServiceCollection();
        services.AddSocketServer("same");
        services.AddSocketClient("same");

        services.Invoking(all => all.AddSocketServer("same")).Should().Throw<ArgumentException>().WithMessage("There is a server same already*");
        services.Invoking(all => all.AddSocketClient("same")).Should().Throw<ArgumentException>().WithMessage("There is a client same already*");
        services.Invoking(all => all.AddSocketServer("Same")).Should().Throw<ArgumentException>("configuration has one place for both").WithMessage("There is a server same already; give this one a name that differs in more than upper and lower case*");
        services.AddKeyedSingleton<ISocketServer>("kestrel", (_, _) => throw new InvalidOperationException("nobody asks"));
        services.Invoking(all => all.AddSocketServer("kestrel")).Should().Throw<ArgumentException>("the host would start a server of somebody else").WithMessage("There is a server kestrel already*");
        services.Invoking(all => all.AddSocketServer("a:b")).Should().Throw<ArgumentException>().WithMessage("\"a:b\" holds a colon*");
        services.Invoking(all => all.AddSocketServer(" ")).Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task Framer_and_heartbeat_come_from_the_container()
    {
        await using var host = new HostBed();
        host.Services.AddSocketServer("frames", options => options.Listeners.Add(host.Network.Listen("frames")))
            .UseFramer<UpperCaseLines>().UseHeartbeat<OwnHeartbeat>().UseReplies(ReplyStrategy.From(text => text));
        await host.StartAsync();

        (await host.AskAsync("frames", "abc")).Should().Be("ABC");
        var options = host.Host.Services.GetRequiredService<Microsoft.Extensions.Options.IOptionsMonitor<SocketServerOptions>>().Get("frames");
        options.Framer.Should().BeSameAs(host.Host.Services.GetRequiredService<UpperCaseLines>());
        options.Heartbeat.Should().BeSameAs(host.Host.Services.GetRequiredService<OwnHeartbeat>());
    }

    private sealed class UpperCaseLines : IFramer
    {
        private readonly LinesFramer _lines = new();

        public Frame Read(Span<byte> input, long resume) => _lines.Read(input, resume);

        public void Write(ReadOnlySpan<byte> message, System.Buffers.IBufferWriter<byte> output) =>
            _lines.Write(System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(message).ToUpperInvariant()), output);
    }

    private sealed class OwnHeartbeat() : BeaconHeartbeat("own");
}
