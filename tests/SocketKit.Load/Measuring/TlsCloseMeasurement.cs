using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SocketKit.Load.Serving;
using SocketKit.Load.TlsClose;

namespace SocketKit.Load.Measuring;

/// <summary>
/// <c>measure tls-close</c>: not a figure but a proof. Connections end in every way while both ends send densely: the process must live,
/// and every graceful end must say close_notify. Prints a line <c>ok</c> or <c>FAIL</c> for each combination.
/// </summary>
internal static class TlsCloseMeasurement
{
    private static readonly string[] AllRoles = ["client", "server"];
    private static readonly string[] AllEngines = ["epoll", "sockets"];
    private static readonly string[] AllProtocols = ["1.2", "1.3"];

    public static Command Create()
    {
        var roles = MeasureCommand.Choice("--roles", "Which end is the library's.", AllRoles);
        var engines = MeasureCommand.Choice("--engines", "On which engines.", AllEngines);
        var protocols = MeasureCommand.Choice("--protocols", "Which versions of TLS.", AllProtocols);
        Option<CloseCause[]> causes = new("--causes") { Description = "What ends the connections.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => Enum.GetValues<CloseCause>() };
        var seconds = MeasureCommand.Seconds("--seconds", "How long each combination is tried.", 60);
        var workers = MeasureCommand.Count("--workers", "How many connections at once for each cause.", 2);
        var command = new Command("tls-close", "Ends TLS connections in every way under dense traffic: the process must live, and every graceful end must say close_notify.")
        {
            roles, engines, protocols, causes, seconds, workers,
        };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var passed = true;
            foreach (var role in arguments.GetValue(roles)!)
            {
                foreach (var engine in arguments.GetValue(engines)!.Where(EngineChoice.IsPresent))
                {
                    foreach (var protocol in arguments.GetValue(protocols)!)
                    {
                        passed &= await RunAsync(role, engine, protocol, arguments.GetValue(causes)!, TimeSpan.FromSeconds(arguments.GetValue(seconds)), arguments.GetValue(workers), cancellationToken);
                    }
                }
            }

            return passed ? 0 : 1;
        });
        return command;
    }

    private static async Task<bool> RunAsync(
        string role, string engine, string protocol, CloseCause[] causes, TimeSpan time, int workers, CancellationToken cancellationToken)
    {
        var version = protocol == "1.2" ? SslProtocols.Tls12 : SslProtocols.Tls13;
        var ends = causes.ToDictionary(cause => cause, _ => new EndCounts());
        using var certificate = MakeCertificate();
        var file = Path.Combine(Path.GetTempPath(), $"socketkit-tls-close-{Environment.ProcessId}.pem");
        await File.WriteAllTextAsync(file, certificate.ExportCertificatePem() + "\n" + certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem(), cancellationToken);
        var listeners = new List<Socket>();
        using var stop = new CancellationTokenSource();
        var watch = Stopwatch.StartNew();
        try
        {
            var peer = new TlsClosePeer(certificate, version, ends);
            var running = new List<Task>();
            string[] ports = [];
            if (role == "client")
            {
                foreach (var cause in causes)
                {
                    var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                    listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                    listener.Listen();
                    listeners.Add(listener);
                    running.Add(peer.AcceptLoopAsync(cause, listener, stop.Token));
                }

                ports = ["--ports", .. listeners.Select(listener => ((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture))];
            }

            // On Linux the allocator overwrites what is freed, so that a use of it shows.
            Environment.SetEnvironmentVariable("MALLOC_PERTURB_", "165");
            using var victim = ServerProcess.StartAgain([
                TlsCloseVictim.Name, "--role", role, "--engine", engine, "--protocol", version.ToString(), "--certificate", file,
                "--workers", workers.ToString(CultureInfo.InvariantCulture), "--causes", .. causes.Select(cause => cause.ToString()), .. ports]);
            while (await victim.StandardOutput.ReadLineAsync(cancellationToken) is { } line && line != "ready")
            {
                var (cause, port) = line.Split(' ') is [var first, var second]
                    ? (Enum.Parse<CloseCause>(first), int.Parse(second, CultureInfo.InvariantCulture))
                    : throw new IOException($"The victim says {line}.");
                running.AddRange(Enumerable.Range(0, workers).Select(_ => Task.Run(() => peer.ConnectLoopAsync(cause, port, stop.Token), CancellationToken.None)));
            }

            watch.Restart();
            var exit = victim.WaitForExitAsync(cancellationToken);
            var died = await Task.WhenAny(exit, Task.Delay(time, cancellationToken)) == exit;
            var lived = watch.Elapsed;
            if (!died)
            {
                victim.StandardInput.Close();
                try
                {
                    await exit.WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);
                }
                catch (TimeoutException)
                {
                    victim.Kill();
                    await exit;
                }
            }

            await stop.CancelAsync();
            await Task.WhenAll(running);
            return Report($"{role}, {engine}, TLS {protocol}", died, lived, victim.ExitCode, ends);
        }
        finally
        {
            listeners.ForEach(listener => listener.Dispose());
            File.Delete(file);
        }
    }

    private static bool Report(string what, bool died, TimeSpan lived, int exitCode, Dictionary<CloseCause, EndCounts> ends)
    {
        foreach (var (cause, counts) in ends)
        {
            Console.WriteLine($"  {cause}: {counts}");
        }

        var wrong = new List<string>();
        if (died || exitCode != 0)
        {
            wrong.Add($"the process {(died ? "died" : "ended")} with {exitCode} after {lived.TotalSeconds:0.0} s");
        }
        else
        {
            wrong.AddRange(ends.Where(one => IsWrong(one.Key, one.Value)).Select(one => $"{one.Key}: {one.Value}"));
            if (ends.Values.All(counts => counts.Total == 0))
            {
                wrong.Add("no connection came to its end");
            }
        }

        Console.WriteLine(wrong.Count == 0
            ? $"ok {what}: {ends.Values.Sum(counts => counts.Total)} ends in {lived.TotalSeconds:0} s"
            : $"FAIL {what}: {string.Join("; ", wrong)}");
        return wrong.Count == 0;
    }

    private static bool IsWrong(CloseCause cause, EndCounts counts) =>
        counts.Stuck > 0 || (cause.IsGraceful() && counts.Truncated + counts.Reset > 0);

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
