using System.Globalization;

namespace SocketKit.TestPeer;

/// <summary>
/// Arguments of the form <c>NAME=VALUE</c>. Servers and clients have <c>engine=NAME</c> of <see cref="SocketEngine"/>,
/// <c>heartbeat=INTERVAL,TIMEOUT</c> in ms for a beacon or <c>ping=INTERVAL,TIMEOUT</c> for ping and pong, and
/// <c>slow=MS</c>, the slow-consumer time-out.
/// </summary>
internal sealed class PeerOptions(string[] arguments)
{
    private readonly Dictionary<string, string> _values = arguments.Select(argument => argument.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]);

    public SocketEngine Engine => Enum.Parse<SocketEngine>(Text("engine", nameof(SocketEngine.Auto)));

    public string Text(string name, string otherwise) => _values.GetValueOrDefault(name, otherwise);

    public int Number(string name, int otherwise) => _values.TryGetValue(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    /// <summary>Sets what servers and clients have alike.</summary>
    public void Apply(ConnectionOptions options)
    {
        options.LoggerFactory = new PrintingLoggerFactory();
        options.SlowConsumerTimeout = TimeSpan.FromMilliseconds(Number("slow", 10_000));
        if (Times("heartbeat") is { } beacon)
        {
            options.Heartbeat = new BeaconHeartbeat("beat", beacon.Interval, beacon.Timeout);
        }

        if (Times("ping") is { } ping)
        {
            options.Heartbeat = new PingPongHeartbeat("ping", "pong", ping.Interval, ping.Timeout);
        }
    }

    private (TimeSpan Interval, TimeSpan Timeout)? Times(string name)
    {
        if (!_values.TryGetValue(name, out var text))
        {
            return null;
        }

        var times = text.Split(',').Select(time => TimeSpan.FromMilliseconds(int.Parse(time, CultureInfo.InvariantCulture))).ToArray();
        return (times[0], times[1]);
    }
}
