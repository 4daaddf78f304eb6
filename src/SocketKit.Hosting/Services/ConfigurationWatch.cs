using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using SocketKit.Hosting.Settings;

namespace SocketKit.Hosting.Services;

/// <summary>Tells of configuration that nobody reads: for a name that the program does not have, or changed after the start.</summary>
internal sealed class ConfigurationWatch(IEnumerable<ServerRegistration> servers, IEnumerable<ClientRegistration> clients, IServiceProvider services, IConfiguration? configuration = null) : IHostedService, IDisposable
{
    private static readonly string[] Known = ["Servers", "Clients"];

    private readonly Lock _lock = new();
    private readonly ILogger _logger = HostingLog.Create(services);
    private readonly Dictionary<string, string> _read = [];
    private IDisposable? _changes;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (configuration is null)
        {
            return Task.CompletedTask;
        }

        FindUnknownSections(configuration);
        FindStrays(configuration, "SocketKit:Servers", "server", [.. servers.Select(server => server.Name)]);
        FindStrays(configuration, "SocketKit:Clients", "client", [.. clients.Select(client => client.Name)]);
        foreach (var section in Sections)
        {
            _read[section] = Text(configuration, section);
        }

        _changes = ChangeToken.OnChange(configuration.GetReloadToken, () => Compare(configuration));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _changes?.Dispose();

    private IEnumerable<string> Sections => servers.Select(server => server.Section).Concat(clients.Select(client => client.Section));

    /// <summary>A misspelled section would otherwise be left out in silence.</summary>
    private void FindUnknownSections(IConfiguration configuration)
    {
        foreach (var child in configuration.GetSection("SocketKit").GetChildren())
        {
            if (!Known.Contains(child.Key, StringComparer.OrdinalIgnoreCase) && !Sections.Any(section => $"{section}:".StartsWith(child.Path + ":", StringComparison.OrdinalIgnoreCase)))
            {
                TellUnknown(child.Path, child.Key, "SocketKit:", Known);
            }
        }

        if (!configuration.GetSection("SocketKit").Exists() && configuration.GetChildren().FirstOrDefault(child => Nearest.Of(child.Key, ["SocketKit"]) is not null) is { } root)
        {
            TellUnknown(root.Path, root.Key, "", ["SocketKit"]);
        }
    }

    private void TellUnknown(string path, string key, string parent, string[] known) => HostingLog.NoSuchSection(
        _logger, path, Nearest.Of(key, known) is { } nearest ? $"; did you mean {parent}{nearest}?" : ".", string.Join(", ", known.Select(name => parent + name)));

    private void FindStrays(IConfiguration configuration, string parent, string role, string[] names)
    {
        foreach (var child in configuration.GetSection(parent).GetChildren())
        {
            if (!names.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            {
                HostingLog.NobodyOfThisName(_logger, child.Path, role, names.Length == 0 ? "none" : string.Join(", ", names));
            }
        }
    }

    private void Compare(IConfiguration configuration)
    {
        lock (_lock)
        {
            foreach (var section in Sections)
            {
                var text = Text(configuration, section);
                if (_read[section] != text)
                {
                    _read[section] = text;
                    HostingLog.Changed(_logger, section);
                }
            }
        }
    }

    private static string Text(IConfiguration configuration, string section) =>
        string.Join('\n', configuration.GetSection(section).AsEnumerable().OrderBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase).Select(pair => $"{pair.Key}={pair.Value}"));
}
