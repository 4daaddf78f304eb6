using HostedReplies;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry.Metrics;
using SocketKit;

// As a service it is started in any folder, so appsettings.json is looked for beside the program.
WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

// The slim builder chooses the console's format itself; here configuration does, and systemd before it.
builder.Services.Configure<ConsoleLoggerOptions>(builder.Configuration.GetSection("Logging:Console"));
builder.Services.AddSystemd();

// The server: where it listens, its framing, heartbeat and limits are said by configuration, below SocketKit:Servers:replies.
builder.Services.AddHostedService<DrainFirst>();
builder.Services.AddSocketServer("replies").UseReplies<GuessThanksSorryOkReplies>(ServiceLifetime.Singleton);

// What an operator sees: health and metrics over HTTP, at the address of the setting Urls.
builder.Services.AddHealthChecks().AddSocketKit();
builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("SocketKit", "System.Runtime").AddPrometheusExporter());

WebApplication app = builder.Build();
app.MapHealthChecks("/health/live", HealthText.Of("live"));
app.MapHealthChecks("/health/ready", HealthText.Of("ready"));
app.MapPrometheusScrapingEndpoint("/metrics");
app.MapGet("/connections", (ISocketServer server) => $"{server.Connections.Count}\n");

// A start that fails is one line and exit code 1. SIGTERM and Ctrl-C drain, and end with 0.
return await Startup.RunAsync(app);
