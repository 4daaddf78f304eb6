using System.Globalization;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SocketKit;
using SocketKit.Hosting.TestHost;

// A worker service in a process of its own, for tests that send it signals: everything comes from the environment. It prints "listening
// PORT", "stopping", and at the end "handled N disposed N".
var builder = Host.CreateApplicationBuilder(args);
builder.Services.AddSingleton<Counts>();
builder.Services.AddScoped<PerMessage>();
builder.Services.AddSocketServer("slow").UseReplies<SlowReplies>();
builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(int.Parse(builder.Configuration["ShutdownSeconds"] ?? "20", CultureInfo.InvariantCulture)));
using var host = builder.Build();
var counts = host.Services.GetRequiredService<Counts>();
var lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
lifetime.ApplicationStarted.Register(() => Console.WriteLine($"listening {((IPEndPoint)host.Services.GetRequiredService<ISocketServer>().EndPoints[0]).Port}"));
lifetime.ApplicationStopping.Register(() => Console.WriteLine("stopping"));
await host.RunAsync();
Console.WriteLine($"handled {counts.Handled} disposed {counts.Disposed}");
