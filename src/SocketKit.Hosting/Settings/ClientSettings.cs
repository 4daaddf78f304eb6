using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Settings;

/// <summary>What configuration may say of a client, below <c>SocketKit:Clients:name</c>.</summary>
internal sealed class ClientSettings : ConnectionSettings
{
    /// <summary>The keys, for the search for misspelled ones.</summary>
    public static string[] Keys { get; } = [nameof(Connect), nameof(ConnectTimeout), nameof(WaitForConnection), nameof(Reconnect), .. SharedKeys];

    public string? Connect { get; set; }

    [Time("1ms", "24d", Never = true)]
    public string? ConnectTimeout { get; set; }

    [Time("1ms", "1d", Zero = true, Never = true)]
    public string? WaitForConnection { get; set; }

    [ValidateObjectMembers(typeof(ReconnectSettingsValidator))]
    public ReconnectSettings? Reconnect { get; set; }

    /// <summary>Sets what was said.</summary>
    /// <returns>What the new address asks no more of connections; null: nothing.</returns>
    public string? ApplyTo(SocketClientOptions options, string key, ICollection<string> failures)
    {
        base.ApplyTo(options, key, failures);
        var program = options.Dialer;
        if (Connect is not null && Try($"{key}:{nameof(Connect)}", failures, () => Dial.Url(Connect)) is { } dialer)
        {
            options.Dialer = dialer;
        }

        options.ConnectTimeout = Time(ConnectTimeout) ?? options.ConnectTimeout;
        Reconnect?.ApplyTo(options, $"{key}:{nameof(Reconnect)}", failures);
        return program is null || options.Dialer is null ? null : Weakening.Of([program.Protection], [options.Dialer.Protection]);
    }
}

[OptionsValidator]
internal sealed partial class ClientSettingsValidator : IValidateOptions<ClientSettings>;
