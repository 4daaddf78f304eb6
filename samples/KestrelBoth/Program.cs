using System.CommandLine;
using System.Text;
using SocketKit;

Option<int> web = new("--web") { Description = "The port of HTTP on localhost.", DefaultValueFactory = _ => 5000 };
Option<int> lines = new("--lines") { Description = "The port of the line protocol on localhost.", DefaultValueFactory = _ => 9000 };
RootCommand command = new("HTTP and a line protocol on one Kestrel, both on SocketKit's engine.") { web, lines };
command.SetAction(Run);
return command.Parse(args).Invoke();

void Run(ParseResult arguments)
{
    WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();

    // One line: Kestrel on our engine.
    builder.WebHost.UseSocketKitTransport();

    // A protocol of our own, as a service that the web part reaches.
    builder.Services.AddSocketKitEndpoint("lines", options =>
    {
        options.Framer = Framers.Lines();
        options.HandlerFactory = Handlers.Reply(new GuessThanksSorryOkReplies());
    });
    builder.WebHost.ConfigureKestrel(kestrel =>
    {
        kestrel.ListenLocalhost(arguments.GetValue(web));
        kestrel.ListenLocalhost(arguments.GetValue(lines), listen => listen.UseSocketKit("lines"));
    });

    WebApplication app = builder.Build();
    app.MapGet("/connections", ([FromKeyedServices("lines")] ISocketServer server) => $"{server.Connections.Count}\n");
    app.MapPost("/say/{text}", async (string text, [FromKeyedServices("lines")] ISocketServer server) => $"{await server.BroadcastAsync(Encoding.UTF8.GetBytes(text))}\n");
    app.Run();
}
