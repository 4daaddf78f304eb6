using System.Text;
using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Settings;

/// <summary>A heartbeat policy by name, with its settings.</summary>
internal sealed class HeartbeatSettings
{
    private const string Kinds = "None|Beacon|PingPong";

    private static readonly Dictionary<string, string> Owners = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(Kind)] = Kinds,
        [nameof(Payload)] = "Beacon",
        [nameof(Ping)] = "PingPong",
        [nameof(Pong)] = "PingPong",
        [nameof(Interval)] = "Beacon|PingPong",
        [nameof(Timeout)] = "Beacon|PingPong",
        [nameof(MaxBeatsPerSecond)] = "Beacon|PingPong",
    };

    /// <summary>The keys, for the search for misspelled ones.</summary>
    public static string[] Keys { get; } = [.. Owners.Keys];

    [OneOf(Kinds)]
    public string? Kind { get; set; }

    [Bytes(0, 65_536)]
    public string? Payload { get; set; }

    [Bytes(0, 65_536)]
    public string? Ping { get; set; }

    [Bytes(0, 65_536)]
    public string? Pong { get; set; }

    [Time("100ms", "1d", Never = true)]
    public string? Interval { get; set; }

    [Time("100ms", "1d", Never = true)]
    public string? Timeout { get; set; }

    [Number(1, int.MaxValue)]
    public string? MaxBeatsPerSecond { get; set; }

    /// <returns>The policy, or null when something is wrong or nothing was said.</returns>
    public IHeartbeatPolicy? Create(string key, Encoding encoding, ICollection<string> failures)
    {
        (string, bool)[] given =
        [
            (nameof(Payload), Payload is not null), (nameof(Ping), Ping is not null), (nameof(Pong), Pong is not null),
            (nameof(Interval), Interval is not null), (nameof(Timeout), Timeout is not null), (nameof(MaxBeatsPerSecond), MaxBeatsPerSecond is not null),
        ];
        if (!SettingKinds.Check(key, Kind, Kinds, given, Owners, failures))
        {
            return null;
        }

        var interval = Interval is null ? (TimeSpan?)null : SettingTime.Parse(Interval);
        var timeout = Timeout is null ? (TimeSpan?)null : SettingTime.Parse(Timeout);
        var most = SettingNumber.Parse(MaxBeatsPerSecond) ?? 100;
        return Kind?.ToUpperInvariant() switch
        {
            "NONE" => NoHeartbeat.Instance,
            "BEACON" when Payload is null => Missing(key, nameof(Payload), failures),
            "BEACON" => ConnectionSettings.Try(key, failures, () => new BeaconHeartbeat(SettingBytes.Parse(Payload, encoding), interval, timeout) { MaxBeatsPerSecond = most }),
            "PINGPONG" when Ping is null || Pong is null => Missing(key, Ping is null ? nameof(Ping) : nameof(Pong), failures),
            "PINGPONG" => ConnectionSettings.Try(key, failures, () => new PingPongHeartbeat(SettingBytes.Parse(Ping, encoding), SettingBytes.Parse(Pong, encoding), interval, timeout) { MaxBeatsPerSecond = most }),
            _ => null,
        };
    }

    private static IHeartbeatPolicy? Missing(string key, string name, ICollection<string> failures)
    {
        failures.Add($"{key}:{name}: is not set; type the message's text, such as {name.ToLowerInvariant()}");
        return null;
    }
}

[OptionsValidator]
internal sealed partial class HeartbeatSettingsValidator : IValidateOptions<HeartbeatSettings>;
