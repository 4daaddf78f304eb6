using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using SocketKit.Hosting.Settings;

namespace SocketKit.Hosting.Tests.Settings;

/// <summary>The pages name every key with its range, and every log event.</summary>
public partial class DocumentTests
{
    [Theory]
    [InlineData("docs/hosting.md")]
    [InlineData("docs/zh-CN/hosting.md")]
    public void Every_key_has_a_row_with_its_range_and_no_row_is_of_a_key_that_does_not_exist(string page)
    {
        var rows = File.ReadLines(Path.Combine(Root(), page)).Select(line => Key().Match(line)).Where(match => match.Success).ToDictionary(match => match.Groups[1].Value, match => match.Value);
        var keys = Keys<ServerSettings>("").Concat(Keys<ClientSettings>("")).DistinctBy(key => key.Name).ToArray();

        rows.Keys.Where(row => !row.StartsWith("socketkit", StringComparison.Ordinal)).Should().BeEquivalentTo(keys.Select(key => key.Name));
        foreach (var (name, property) in keys)
        {
            foreach (var part in Range(property))
            {
                rows[name].Should().Contain(part, $"this is in the range of {name}");
            }
        }
    }

    [Theory]
    [InlineData("docs/hosting.md")]
    [InlineData("docs/zh-CN/hosting.md")]
    public void Every_default_is_that_of_the_options(string page)
    {
        // The cells from behind: range, default.
        var rows = File.ReadLines(Path.Combine(Root(), page)).Select(line => Key().Match(line)).Where(match => match.Success).ToDictionary(match => match.Groups[1].Value, match => match.Value.Split('|')[^3].Trim());
        var (server, client, prefix, beacon) = (new SocketServerOptions(), new SocketClientOptions(), new LengthPrefixedOptions(), new BeaconHeartbeat("x"));
        var defaults = new Dictionary<string, object>
        {
            ["MaxConnections"] = server.MaxConnections,
            ["DrainTimeout"] = server.DrainTimeout,
            ["ConnectTimeout"] = client.ConnectTimeout,
            ["MaxFrameLength"] = $"{server.MaxFrameLength >> 20} MiB",
            ["MaxQueuedBytes"] = $"{server.MaxQueuedBytes >> 20} MiB",
            ["MaxPendingRequests"] = server.MaxPendingRequests,
            ["RequestTimeout"] = server.RequestTimeout,
            ["OpenTimeout"] = server.OpenTimeout,
            ["CloseTimeout"] = server.CloseTimeout,
            ["SlowConsumerTimeout"] = server.SlowConsumerTimeout,
            ["HalfCloseTimeout"] = server.HalfCloseTimeout,
            ["TextEncoding"] = $"`{server.TextEncoding.WebName}`",
            ["Framing:Field"] = $"`{prefix.Field}`",
            ["Framing:ByteOrder"] = $"`{prefix.ByteOrder}`",
            ["Framing:FieldOffset"] = prefix.FieldOffset,
            ["Framing:Adjustment"] = prefix.Adjustment,
            ["Heartbeat:Interval"] = beacon.Interval,
            ["Heartbeat:MaxBeatsPerSecond"] = beacon.MaxBeatsPerSecond,
        };
        foreach (var (key, value) in defaults)
        {
            rows[key].Should().Be(value switch
            {
                TimeSpan time => string.Create(CultureInfo.InvariantCulture, $"`{time.TotalSeconds}s`"),
                int number => number.ToString("N0", CultureInfo.InvariantCulture),
                _ => (string)value,
            }, $"this is the default of {key}");
        }
    }

    [Theory]
    [InlineData("docs/hosting.md")]
    [InlineData("docs/zh-CN/hosting.md")]
    public void Every_log_event_has_a_row(string page)
    {
        var text = File.ReadAllText(Path.Combine(Root(), page));
        var events = typeof(Hosting.Services.HostingLog).GetMethods(BindingFlags.Public | BindingFlags.Static).Select(method => method.GetCustomAttribute<Microsoft.Extensions.Logging.LoggerMessageAttribute>()).OfType<Microsoft.Extensions.Logging.LoggerMessageAttribute>().ToArray();
        events.Should().NotBeEmpty();
        events.Select(message => message.EventId).Should().OnlyHaveUniqueItems().And.OnlyContain(id => id >= 80 && id <= 89);
        foreach (var message in events)
        {
            text.Should().Contain($"| {message.EventId} | {message.Level} |");
        }
    }

    private static IEnumerable<(string Name, PropertyInfo Property)> Keys<T>(string prefix) => Keys(typeof(T), prefix);

    private static IEnumerable<(string Name, PropertyInfo Property)> Keys(Type type, string prefix)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            yield return (prefix + property.Name, property);
            if (property.PropertyType.Name.EndsWith("Settings", StringComparison.Ordinal))
            {
                foreach (var inner in Keys(property.PropertyType, prefix + property.Name + ":"))
                {
                    yield return inner;
                }
            }
        }
    }

    private static IEnumerable<string> Range(PropertyInfo property) => property.GetCustomAttribute<SettingAttribute>() switch
    {
        NumberAttribute number => [number.Least.ToString("N0", CultureInfo.InvariantCulture), number.Most.ToString("N0", CultureInfo.InvariantCulture)],
        TimeAttribute time => [$"`{time.Least}`", $"`{time.Most}`", .. time.Never ? ["`never`"] : Array.Empty<string>(), .. time.Zero ? ["`0`"] : Array.Empty<string>()],
        BytesAttribute bytes => [bytes.Least.ToString("N0", CultureInfo.InvariantCulture), bytes.Most.ToString("N0", CultureInfo.InvariantCulture)],
        OneOfAttribute names => names.Names.Split('|').Select(name => $"`{name}`"),
        _ => [],
    };

    private static string Root()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "SocketKit.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"SocketKit.sln lies nowhere above {AppContext.BaseDirectory}.");
    }

    [GeneratedRegex(@"^\| `([A-Za-z:_]+)[^`|]*` \|.*$")]
    private static partial Regex Key();
}
