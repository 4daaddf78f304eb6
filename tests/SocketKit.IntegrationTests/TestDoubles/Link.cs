using System.Diagnostics;
using System.Globalization;

namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>
/// Two network namespaces, one for a server and one for a client, and a link between them that can go dead. Nothing of it touches the
/// machine's own network; the addresses exist in the namespaces only, so every link has the same. Linux, and root.
/// </summary>
internal sealed class Link : IAsyncDisposable
{
    private const string Prefix = "socketkit-";
    private const string ClientAddress = "10.213.0.1";
    private const string Device = "wire";

    // Locally administered, and nobody's.
    private const string NobodysHardware = "02:00:00:00:00:99";

    private static readonly Lazy<string?> Reason = new(FindWhyNot);
    private static int _links;

    private readonly string _name = $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref _links)}";

    private Link()
    {
    }

    public static string ServerAddress => "10.213.0.2";

    /// <summary>Why there can be no link on this machine; null when there can.</summary>
    public static string? WhyNot => Reason.Value;

    private string Server => _name + "-server";

    private string Client => _name + "-client";

    public static async Task<Link> CreateAsync()
    {
        await RemoveAbandonedAsync();
        var link = new Link();
        try
        {
            await IpAsync("netns", "add", link.Server);
            await IpAsync("netns", "add", link.Client);
            await IpAsync("link", "add", Device, "netns", link.Server, "type", "veth", "peer", "name", Device, "netns", link.Client);
            await IpAsync("-n", link.Server, "address", "add", ServerAddress + "/30", "dev", Device);
            await IpAsync("-n", link.Client, "address", "add", ClientAddress + "/30", "dev", Device);
            await IpAsync("-n", link.Client, "link", "set", Device, "up");
            await link.RaiseAsync();
            return link;
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a server at the link's one end.</summary>
    public Task<ChildProcess> ServeAsync(params string[] options) => ChildProcess.ServeInAsync(Server, [$"address={ServerAddress}", .. options]);

    /// <summary>Starts a client at its other end.</summary>
    public ChildProcess Connect(ChildProcess server, params string[] options) =>
        ChildProcess.StartIn(Client, ["connect", $"{server.EndPoint}", $"engine={TestEngine.Engine}", .. options]);

    /// <summary>
    /// Makes a black hole: packets of both directions vanish and neither end is told, not even its kernel, because both have a carrier and
    /// a neighbour. They are addressed to hardware that does not exist.
    /// </summary>
    public async Task SilenceAsync()
    {
        await IpAsync("-n", Server, "neighbour", "replace", ClientAddress, "lladdr", NobodysHardware, "nud", "permanent", "dev", Device);
        await IpAsync("-n", Client, "neighbour", "replace", ServerAddress, "lladdr", NobodysHardware, "nud", "permanent", "dev", Device);
    }

    /// <summary>Takes the server's interface down, as a cable pulled there: the client loses its carrier, its interface stays up.</summary>
    public Task DropAsync() => IpAsync("-n", Server, "link", "set", Device, "down");

    /// <summary>The cable is in again.</summary>
    public Task RaiseAsync() => IpAsync("-n", Server, "link", "set", Device, "up");

    /// <summary>Removes the namespaces, and the link with them. What still runs in them keeps them until it ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await TryIpAsync("netns", "delete", Server);
        await TryIpAsync("netns", "delete", Client);
    }

    /// <summary>Namespaces outlive a test run that was killed; the next one clears them away. They are named after the process.</summary>
    private static async Task RemoveAbandonedAsync()
    {
        if (!Directory.Exists("/run/netns"))
        {
            return;
        }

        foreach (var name in Directory.GetFiles("/run/netns", Prefix + "*").Select(path => Path.GetFileName(path)))
        {
            var process = name[Prefix.Length..].Split('-')[0];
            if (int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out _) && !Directory.Exists($"/proc/{process}"))
            {
                await TryIpAsync("netns", "delete", name);
            }
        }
    }

    // Root alone is not enough: a container may have it without the right to make namespaces. So it is tried.
    private static string? FindWhyNot()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "needs Linux's network namespaces";
        }

        if (!Environment.IsPrivilegedProcess)
        {
            return "needs root, to make network namespaces";
        }

        try
        {
            Task.Run(TryAsync).GetAwaiter().GetResult();
            return null;
        }
        catch (Exception exception)
        {
            return $"needs network namespaces and the program ip (Debian: iproute2): {exception.Message.Trim()}";
        }
    }

    private static async Task TryAsync()
    {
        var name = $"{Prefix}{Environment.ProcessId}-try";
        await IpAsync("netns", "add", name);
        try
        {
            await IpAsync("-n", name, "link", "add", Device, "type", "veth");
        }
        finally
        {
            await TryIpAsync("netns", "delete", name);
        }
    }

    private static async Task IpAsync(params string[] arguments)
    {
        var error = await TryIpAsync(arguments);
        if (error is not null)
        {
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {error}");
        }
    }

    /// <summary>What went wrong, or null.</summary>
    private static async Task<string?> TryIpAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync().WaitAsync(TestServer.Patience);
        await process.WaitForExitAsync().WaitAsync(TestServer.Patience);
        return process.ExitCode == 0 ? null : error;
    }
}
