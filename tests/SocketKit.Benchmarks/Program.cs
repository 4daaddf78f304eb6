using BenchmarkDotNet.Running;
using SocketKit.Benchmarks;

switch (args)
{
    case ["serve", var kind]:
        await Loopback.ServeAsync(kind);
        break;
    case ["loopback", .. var options]:
        var rounds = options is ["--rounds", var number, ..] ? int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) : 5;
        await Loopback.CompareAsync(rounds, TimeSpan.FromSeconds(3));
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(Loopback).Assembly).Run(args);
        break;
}
