using Microsoft.Extensions.Configuration;

namespace SocketKit.Hosting.Settings;

/// <summary>
/// Reads settings out of configuration. Everything that is wrong is gathered, so that whoever wrote it sees all of it at once.
/// </summary>
internal static class SettingsReader
{
    private static readonly ServerSettingsValidator Servers = new();
    private static readonly ClientSettingsValidator Clients = new();

    /// <returns>Null when nothing is said, or something is wrong.</returns>
    public static ServerSettings? ReadServer(IConfiguration configuration, string key, ICollection<string> failures)
    {
        var section = configuration.GetSection(key);
        if (!section.Exists())
        {
            return null;
        }

        // Only text is bound, so nothing of it can fail.
        var settings = new ServerSettings();
        section.Bind(settings);

        settings.Listen = ReadList(configuration, $"{key}:{nameof(settings.Listen)}", separator: ';');
        ReadShared(configuration, key, settings);

        // Both, so that all of it is told.
        return AllKnown(section, ServerSettings.Keys, failures) & Valid(Servers.Validate(Path(key), settings), failures) ? settings : null;
    }

    /// <returns>Null when nothing is said, or something is wrong.</returns>
    public static ClientSettings? ReadClient(IConfiguration configuration, string key, ICollection<string> failures)
    {
        var section = configuration.GetSection(key);
        if (!section.Exists())
        {
            return null;
        }

        // Only text is bound, so nothing of it can fail.
        var settings = new ClientSettings();
        section.Bind(settings);

        if (section[nameof(settings.Reconnect)] is { Length: > 0 } kind)
        {
            (settings.Reconnect ??= new ReconnectSettings()).Kind ??= kind;
        }

        ReadShared(configuration, key, settings);

        // Both, so that all of it is told.
        return AllKnown(section, ClientSettings.Keys, failures) & Valid(Clients.Validate(Path(key), settings), failures) ? settings : null;
    }

    /// <summary>A kind may be given alone: <c>Framing=Lines</c> instead of <c>Framing:Kind=Lines</c>.</summary>
    private static void ReadShared(IConfiguration configuration, string key, ConnectionSettings settings)
    {
        if (configuration[$"{key}:{nameof(settings.Framing)}"] is { Length: > 0 } framing)
        {
            (settings.Framing ??= new FramingSettings()).Kind ??= framing;
        }

        if (configuration[$"{key}:{nameof(settings.Heartbeat)}"] is { Length: > 0 } heartbeat)
        {
            (settings.Heartbeat ??= new HeartbeatSettings()).Kind ??= heartbeat;
        }

        if (settings.Framing is { } set)
        {
            set.Delimiters = ReadList(configuration, $"{key}:{nameof(settings.Framing)}:{nameof(set.Delimiters)}", separator: null);
        }
    }

    /// <summary>
    /// A list may be given as one value, too, which then is the whole list: an environment variable replaces what a file says, and is not
    /// mixed into it. Of both, the last provider's counts.
    /// </summary>
    private static List<string>? ReadList(IConfiguration configuration, string key, char? separator)
    {
        var section = configuration.GetSection(key);
        var several = section.GetChildren().Select(child => child.Value).OfType<string>().Where(value => value.Length > 0).ToList();
        if (string.IsNullOrEmpty(section.Value) || (several.Count > 0 && IsListInLastProvider(configuration, key)))
        {
            return several.Count == 0 ? null : several;
        }

        return separator is { } character ? [.. section.Value.Split(character, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)] : [section.Value];
    }

    private static bool IsListInLastProvider(IConfiguration configuration, string key)
    {
        if (configuration is not IConfigurationRoot root)
        {
            return false;
        }

        foreach (var provider in root.Providers.Reverse())
        {
            if (provider.TryGet(key, out var value) && !string.IsNullOrEmpty(value))
            {
                return false;
            }

            if (provider.GetChildKeys([], key).Any())
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A misspelled key would otherwise be left out in silence.</summary>
    private static bool AllKnown(IConfigurationSection section, string[] keys, ICollection<string> failures)
    {
        var before = failures.Count;
        foreach (var child in section.GetChildren())
        {
            if (!keys.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            {
                failures.Add($"{child.Path}: there is no such setting; {(keys.Length == 0 ? $"{section.Key} has one value" : "there are " + string.Join(", ", keys))}");
                continue;
            }

            string[]? inner = child.Key.ToUpperInvariant() switch
            {
                "FRAMING" => FramingSettings.Keys,
                "HEARTBEAT" => HeartbeatSettings.Keys,
                "RECONNECT" => ReconnectSettings.Keys,
                "LISTEN" or "DELIMITERS" => null,
                _ => [],
            };
            if (inner is not null)
            {
                AllKnown(child, inner, failures);
            }
        }

        return failures.Count == before;
    }

    private static bool Valid(Microsoft.Extensions.Options.ValidateOptionsResult result, ICollection<string> failures)
    {
        foreach (var failure in result.Failures ?? [])
        {
            failures.Add(failure);
        }

        return !result.Failed;
    }

    private static string Path(string key) => key.Replace('.', SettingAttribute.Dot);
}
