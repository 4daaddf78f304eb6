using System.Runtime.CompilerServices;
using SocketKit;
using SocketKit.AotSmoke;

// With "start", the time from the start of a program to its first reply is that of the whole process.
if (args is ["start"])
{
    await Checks.StartAsync();
    return 0;
}

// Publishes as native code and then shows that the library works there: one line "ok ..." or "FAIL ..." per check.
Console.WriteLine(RuntimeFeature.IsDynamicCodeSupported ? "FAIL native: this is not native code" : "ok native");
SocketEngine[] engines = OperatingSystem.IsLinux() ? [SocketEngine.Epoll, SocketEngine.Sockets] : [SocketEngine.Sockets];
var failed = RuntimeFeature.IsDynamicCodeSupported;
foreach (var engine in engines)
{
    failed |= !await CheckAsync($"{engine}: the five replies", () => Checks.RepliesAsync(engine));
    failed |= !await CheckAsync($"{engine}: 200 clients, each with 100 requests in flight", () => Checks.CrowdAsync(engine));
    failed |= !await CheckAsync($"{engine}: a handler that blocks holds up nobody else", () => Checks.BlockingAsync(engine));
    failed |= !await CheckAsync($"{engine}: a client finds the server again; a broadcast", () => Checks.LivenessAsync(engine));
    failed |= !await CheckAsync($"{engine}: the five replies over TLS", () => TlsChecks.RepliesAsync(engine));
    failed |= !await CheckAsync($"{engine}: a certificate that nobody vouches for is refused", () => TlsChecks.RefuseAsync(engine));
    failed |= OperatingSystem.IsLinux() && !await CheckAsync($"{engine}: a Unix socket that a dead process has left, by its URL", () => Checks.UnixAsync(engine));
}

failed |= !await CheckAsync("TLS: a new certificate in the old one's file", TlsChecks.RenewAsync);
failed |= !await CheckAsync("in memory: the five replies", Checks.InMemoryAsync);
failed |= !await CheckAsync("hosting: settings, scopes, health", HostingChecks.ServeAsync);
failed |= !await CheckAsync("hosting: a setting out of range fails the start", HostingChecks.RefuseAsync);
return failed ? 1 : 0;

static async Task<bool> CheckAsync(string name, Func<Task> check)
{
    try
    {
        await check().WaitAsync(TimeSpan.FromSeconds(30));
        Console.WriteLine($"ok {name}");
        return true;
    }
#pragma warning disable CA1031 // Whatever goes wrong is what this program reports.
    catch (Exception exception)
#pragma warning restore CA1031
    {
        Console.WriteLine($"FAIL {name}: {exception}");
        return false;
    }
}
