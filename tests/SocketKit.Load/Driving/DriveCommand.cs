using System.CommandLine;
using System.Net;
using SocketKit.Load.Serving;

namespace SocketKit.Load.Driving;

/// <summary><c>drive</c>: the load against a server that is there already.</summary>
internal static class DriveCommand
{
    public static Command Create()
    {
        Option<string> host = new("--host") { Description = "The server's address.", DefaultValueFactory = _ => "127.0.0.1" };
        Option<int> port = new("--port") { Description = "The server's port.", Required = true };
        Option<int> connections = new("--connections") { Description = "How many connections.", DefaultValueFactory = _ => 64 };
        Option<int> depth = new("--depth") { Description = "Messages in flight per connection, in closed loop.", DefaultValueFactory = _ => 1 };
        Option<int> size = new("--size") { Description = "Bytes of a message, without its length.", DefaultValueFactory = _ => 32 };
        Option<double> seconds = new("--seconds") { Description = "How long is measured.", DefaultValueFactory = _ => 5 };
        Option<double> warmUp = new("--warm-up") { Description = "Seconds of the same load before that.", DefaultValueFactory = _ => 5 };
        Option<double?> rate = new("--rate") { Description = "Open loop: messages per second over all connections; latency counts from the time a message is due." };
        Option<int> threads = new("--threads") { Description = "Threads of the load.", DefaultValueFactory = _ => 1 };
        Option<int?> processor = new("--processor") { Description = "The processor of the first thread; the others follow." };
        Option<int> excludeEvery = new("--exclude-every") { Description = "Leave the first of so many connections out of the figures." };
        Option<bool> spin = new("--spin") { Description = "Never sleep while waiting for replies." };
        Option<bool> tls = new("--tls") { Description = "Speak TLS, whatever certificate the server has." };
        Option<bool> portable = new("--portable") { Description = "Wait with select on Linux too, as on other systems." };
        Option<int?> process = new("--pid") { Description = "The server's process on this machine, for its processor time." };
        Option<string?> json = new("--json") { Description = "Write the result to this file." };

        port.Between(1, 65535);
        connections.AtLeast(1);
        depth.AtLeast(1);
        size.Between(0, ServeOptions.MaxFrameLength);
        seconds.AtLeast(0.1);
        warmUp.AtLeast(0);
        rate.AtLeast(1);
        threads.AtLeast(1);
        processor.Between(0, Environment.ProcessorCount - 1);
        excludeEvery.AtLeast(0);
        Command command = new("drive", "Sends frames, checks every byte of every echo, and tells messages per second and latencies.")
        {
            host, port, connections, depth, size, seconds, warmUp, rate, threads, processor, excludeEvery, spin, tls, portable, process, json,
        };
        command.SetAction(async (arguments, _) =>
        {
            var address = (await Dns.GetHostAddressesAsync(arguments.GetValue(host)!, CancellationToken.None))[0];
            var options = new LoadOptions(arguments.GetValue(connections), arguments.GetValue(depth), arguments.GetValue(size))
            {
                Server = TlsEndPoint.Of(address, arguments.GetValue(port), arguments.GetValue(tls)),
                Time = TimeSpan.FromSeconds(arguments.GetValue(seconds)),
                WarmUp = TimeSpan.FromSeconds(arguments.GetValue(warmUp)),
                Rate = arguments.GetValue(rate),
                Threads = arguments.GetValue(threads),
                FirstProcessor = arguments.GetValue(processor),
                ExcludeEvery = arguments.GetValue(excludeEvery),
                Spin = arguments.GetValue(spin),
                Portable = arguments.GetValue(portable),
            };
            var result = Driver.Run(options, arguments.GetValue(process) is { } id ? new ProcessProbe(id) : null, Console.Error.WriteLine);
            Print(options, result);
            await Json.WriteAsync(arguments.GetValue(json), result);
        });
        return command;
    }

    private static void Print(LoadOptions options, LoadResult result)
    {
        Console.WriteLine(options.Text);
        Console.WriteLine($"{result.MessagesPerSecond:N0} messages/s, {result.Messages:N0} in {result.Seconds:0.0} s, every byte as it was sent");
        Console.WriteLine($"latency in us: p50 {result.Latency.P50:0.0}, p90 {result.Latency.P90:0.0}, p99 {result.Latency.P99:0.0}, p99.9 {result.Latency.P999:0.0}, max {result.Latency.Max:0.0}");
        if (result.Rate is not null)
        {
            Console.WriteLine($"asked for {result.Rate:N0} messages/s; {result.Unanswered:N0} had no reply");
        }

        if (result.ServerMicrosecondsPerMessage is not null)
        {
            Console.WriteLine($"server: {result.ServerMicrosecondsPerMessage:0.00} us of processor time per message, {result.ServerShare:P0} of a processor");
        }

        Console.WriteLine($"load: {result.LoadShare:P0} of a processor{(result.OthersShare is { } others ? $"; other programs: {others:P0}" : "")}");
    }
}
