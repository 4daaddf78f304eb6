using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace SocketKit.AotSmoke;

/// <summary>The Generic Host in native code: what is made by the container, bound from configuration and checked at the start.</summary>
internal static class HostingChecks
{
    public static async Task ServeAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        Set(builder, "Servers:replies:Listen", "tcp://127.0.0.1:0");
        Set(builder, "Servers:replies:Framing:Kind", "LengthPrefixed");
        Set(builder, "Servers:replies:Framing:Field", "TwoBytes");
        Set(builder, "Servers:replies:Heartbeat:Kind", "Beacon");
        Set(builder, "Servers:replies:Heartbeat:Payload", "beat");
        Set(builder, "Servers:replies:MaxConnections", "5");
        Set(builder, "Servers:sessions:Listen:0", "tcp://127.0.0.1:0");
        Set(builder, "Servers:sessions:Framing", "Lines");
        builder.Services.AddScoped<Note>();
        builder.Services.AddSocketServer("replies").UseReplies<Noted>().UseReplies<GuessThanksSorryOkReplies>(ServiceLifetime.Singleton);
        builder.Services.AddSocketServer<Session>("sessions");
        builder.Services.AddHealthChecks().AddSocketKit();
        using var host = builder.Build();
        await host.StartAsync();
        var health = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
        Checks.Require(health.Status == HealthStatus.Healthy && health.Entries.Count == 3, $"health is {health.Status} of {health.Entries.Count}");
        await AskAsync(host, "replies", Framers.LengthPrefixed(LengthField.TwoBytes), "1", "你猜!");
        await AskAsync(host, "replies", Framers.LengthPrefixed(LengthField.TwoBytes), "note", "noted");
        await AskAsync(host, "sessions", Framers.Lines(), "x", "session of x");
        await host.StopAsync();
    }

    public static async Task RefuseAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        Set(builder, "Servers:replies:Listen", "tcp://127.0.0.1:0");
        Set(builder, "Servers:replies:Framing:MaxLength", "0");
        builder.Services.AddSocketServer("replies").UseReplies<Noted>();
        using var host = builder.Build();
        try
        {
            await host.StartAsync();
        }
        catch (OptionsValidationException exception)
        {
            Checks.Require(exception.Message == "SocketKit:Servers:replies:Framing:MaxLength: 0 is out of range; type a number from 1 to 2,147,483,647", exception.Message);
            return;
        }

        Checks.Require(false, "a setting out of range did not fail the start");
    }

    private static void Set(HostApplicationBuilder builder, string key, string value) => builder.Configuration["SocketKit:" + key] = value;

    private static async Task AskAsync(IHost host, string name, IFramer framer, string request, string expected)
    {
        var port = ((IPEndPoint)host.Services.GetRequiredKeyedService<ISocketServer>(name).EndPoints[0]).Port;
        await using var client = new SocketClient(new SocketClientOptions { Dialer = Dial.Tcp("127.0.0.1", port), Framer = framer });
        await client.ConnectAsync();
        using var response = await client.RequestAsync(request);
        Checks.Require(response.ToString() == expected, $"{name} answered {response}");
    }

    internal sealed class Note
    {
        public string Text { get; } = "noted";
    }

    internal sealed class Noted(Note note) : IReplyStrategy
    {
        public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message) =>
            new(message.Span.SequenceEqual("note"u8) ? Reply.Text(note.Text) : Reply.Pass);
    }

    internal sealed class Session(IConnection connection) : ConnectionHandler
    {
        public override ValueTask OnMessageAsync(IConnection sender, ReadOnlyMemory<byte> message) => connection.SendAsync($"session of {sender.TextEncoding.GetString(message.Span)}");
    }
}
