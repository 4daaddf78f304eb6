using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Settings;

/// <summary>When a client dials again.</summary>
internal sealed class ReconnectSettings
{
    private const string Kinds = "Backoff|None";

    private static readonly Dictionary<string, string> Owners = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(Kind)] = Kinds,
        [nameof(First)] = "Backoff",
        [nameof(Cap)] = "Backoff",
        [nameof(MaxAttempts)] = "Backoff",
    };

    /// <summary>The keys, for the search for misspelled ones.</summary>
    public static string[] Keys { get; } = [.. Owners.Keys];

    [OneOf(Kinds)]
    public string? Kind { get; set; }

    [Time("1ms", "1d")]
    public string? First { get; set; }

    [Time("1ms", "1d")]
    public string? Cap { get; set; }

    [Number(1, int.MaxValue)]
    public string? MaxAttempts { get; set; }

    /// <summary>Sets what was said. Backoff need not be named to be changed: it is what a hosted client does anyway.</summary>
    public void ApplyTo(SocketClientOptions options, string key, ICollection<string> failures)
    {
        (string, bool)[] given = [(nameof(First), First is not null), (nameof(Cap), Cap is not null), (nameof(MaxAttempts), MaxAttempts is not null)];
        var kind = Kind ?? "Backoff";
        if (!SettingKinds.Check(key, kind, Kinds, given, Owners, failures))
        {
            return;
        }

        options.Reconnect = kind.Equals("None", StringComparison.OrdinalIgnoreCase)
            ? null
            : ConnectionSettings.Try(key, failures, () => new BackoffReconnect(First is null ? null : SettingTime.Parse(First), Cap is null ? null : SettingTime.Parse(Cap)) { MaxAttempts = SettingNumber.Parse(MaxAttempts) });
    }
}

[OptionsValidator]
internal sealed partial class ReconnectSettingsValidator : IValidateOptions<ReconnectSettings>;
