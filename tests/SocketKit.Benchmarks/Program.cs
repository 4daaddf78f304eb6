using BenchmarkDotNet.Running;
using SocketKit.Benchmarks;

switch (args)
{
    case ["serve", var kind]:
        await Loopback.ServeAsync(kind);
        break;
    case ["loopback", .. var options]:
        await Loopback.CompareAsync(Option("--rounds") ?? 5, TimeSpan.FromSeconds(3), Option("--load"));

        int? Option(string name) => Array.IndexOf(options, name) is var at and >= 0 && at + 1 < options.Length
            ? int.Parse(options[at + 1], System.Globalization.CultureInfo.InvariantCulture)
            : null;

        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Loopback).Assembly).Run(args);
        break;
}
