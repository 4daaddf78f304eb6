using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SocketKit.AspNetCore.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Endpoints;

public class AddSocketKitEndpointTests
{
    [Fact]
    public void A_name_is_used_once_whoever_has_registered_it()
    {
        var services = new ServiceCollection();
        services.AddSocketKitEndpoint("kestrel", Lines);
        services.AddSocketServer("hosted");

        services.Invoking(all => all.AddSocketKitEndpoint("kestrel", Lines)).Should().Throw<ArgumentException>()
            .WithMessage("There is a server kestrel already; give this one a name that differs in more than upper and lower case*").Which.ParamName.Should().Be("name");
        services.Invoking(all => all.AddSocketKitEndpoint("Kestrel", (_, options) => Lines(options))).Should().Throw<ArgumentException>().WithMessage("There is a server kestrel already*");
        services.Invoking(all => all.AddSocketKitEndpoint("Hosted", Lines)).Should().Throw<ArgumentException>().WithMessage("There is a server hosted already*");
        services.Invoking(all => all.AddSocketServer("Kestrel")).Should().Throw<ArgumentException>().WithMessage("There is a server kestrel already*");
        services.Invoking(all => all.AddSocketKitEndpoint(" ", Lines)).Should().Throw<ArgumentException>();
        services.AddSocketKitEndpoint("other", Lines);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_application_says_the_name_the_clock_and_the_logs_unless_the_program_says_others(bool named)
    {
        var (registered, own) = (new FakeTimeProvider(), new FakeTimeProvider());
        SocketServerOptions? plain = null, changed = null;
        await using var web = await WebServer.StartAsync(SocketEngine.Auto, _ => { }, endpoint: listen =>
        {
            if (named)
            {
                listen.UseSocketKit("plain").UseSocketKit("changed");
            }
            else
            {
                listen.UseSocketKit(Plain).UseSocketKit(Changed);
            }
        }, services: services => services.AddSingleton<TimeProvider>(registered).AddSocketKitEndpoint("plain", Plain).AddSocketKitEndpoint("changed", Changed));

        plain!.Name.Should().Be(named ? "plain" : null);
        plain.TimeProvider.Should().BeSameAs(registered);
        plain.LoggerFactory.Should().BeSameAs(web.Application.Services.GetRequiredService<ILoggerFactory>());
        changed!.Name.Should().Be("mine");
        changed.TimeProvider.Should().BeSameAs(own);
        changed.LoggerFactory.Should().BeNull();

        void Plain(SocketServerOptions options) => Lines(plain = options);

        void Changed(SocketServerOptions options)
        {
            Lines(changed = options);
            (options.Name, options.TimeProvider, options.LoggerFactory) = ("mine", own, null);
        }
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("hosted")]
    public async Task A_name_that_is_not_there_says_what_to_type(string name)
    {
        var start = () => WebServer.StartAsync(SocketEngine.Auto, _ => { }, endpoint: listen => listen.UseSocketKit(name), services: services => services.AddKeyedSingleton<ISocketServer>("hosted", (_, _) => throw new InvalidOperationException("nobody asks")));

        await start.Should().ThrowAsync<InvalidOperationException>().WithMessage($"No server for Kestrel's end points has the name {name}; type services.AddSocketKitEndpoint(\"{name}\", ...)*");
    }

    private static void Lines(SocketServerOptions options)
    {
        options.Framer = Framers.Lines();
        options.HandlerFactory = Handlers.Reply(text => "re: " + text);
    }
}
