using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Settings;

/// <summary>What configuration may say of a server, below <c>SocketKit:Servers:name</c>.</summary>
internal sealed class ServerSettings : ConnectionSettings
{
    /// <summary>The keys, for the search for misspelled ones.</summary>
    public static string[] Keys { get; } = [nameof(Listen), nameof(MaxConnections), nameof(DrainTimeout), .. SharedKeys];

    public List<string>? Listen { get; set; }

    [Number(1, int.MaxValue)]
    public string? MaxConnections { get; set; }

    [Time("1ms", "24d", Zero = true, ElseForEver = "a connection that never finishes would keep the stop")]
    public string? DrainTimeout { get; set; }

    /// <summary>Sets what was said. Addresses replace those of the program.</summary>
    /// <returns>What the new addresses ask no more of connections; null: nothing.</returns>
    public string? ApplyTo(SocketServerOptions options, string key, ICollection<string> failures)
    {
        base.ApplyTo(options, key, failures);
        var program = options.Listeners.Select(listener => listener.Protection).ToArray();
        if (Listen is { Count: > 0 } urls)
        {
            options.Listeners.Clear();
            foreach (var url in urls)
            {
                const string BehindScheme = "://";
                if (url.IndexOf(BehindScheme, StringComparison.Ordinal) != url.LastIndexOf(BehindScheme, StringComparison.Ordinal))
                {
                    failures.Add($"{key}:{nameof(Listen)}: several addresses stand where there is one; make each an item of the list, or type ; between them in a single value");
                }
                else if (Try($"{key}:{nameof(Listen)}", failures, () => SocketKit.Listen.Url(url)) is { } listener)
                {
                    options.Listeners.Add(listener);
                }
            }
        }

        options.MaxConnections = SettingNumber.Parse(MaxConnections) ?? options.MaxConnections;
        options.DrainTimeout = Time(DrainTimeout) ?? options.DrainTimeout;
        return Weakening.Of(program, [.. options.Listeners.Select(listener => listener.Protection)]);
    }
}

[OptionsValidator]
internal sealed partial class ServerSettingsValidator : IValidateOptions<ServerSettings>;
