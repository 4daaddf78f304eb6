using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SocketKit.Diagnostics;

/// <summary>
/// What is measured of all servers, or all clients, of one name. It outlives them, so that sums never fall when one ends and the next of
/// that name begins. Thread-safe.
/// </summary>
internal sealed class OwnerMetrics
{
    private const string Server = "server";
    private const string Client = "client";

    private static readonly string[] States = [.. Enum.GetNames<ClientState>().Select(name => name.ToLowerInvariant())];
    private static readonly Register All = new(mostNames: 1000);

    private readonly KeyValuePair<string, object?>[] _tags;
    private readonly int[] _states = new int[States.Length];
    private readonly HashSet<IHoldings> _holdings = [];
    private long _active;

    private OwnerMetrics(string role, string? name)
    {
        Name = name;
        IsServer = role == Server;
        _tags = name is null ? [new("socketkit.role", role)] : [new("socketkit.role", role), new("socketkit.name", name)];
    }

    /// <summary>What holds bytes and buffers, for gauges that look at it when they are read.</summary>
    internal interface IHoldings
    {
        (long QueuedBytes, long Buffers) Survey();
    }

    public bool IsServer { get; }

    public string? Name { get; }

    public ReadOnlySpan<KeyValuePair<string, object?>> Tags => _tags;

    public TrafficCounts Traffic { get; } = new();

    public long ActiveConnections => Interlocked.Read(ref _active);

    public static OwnerMetrics OfServer(string? name) => Of(Server, name);

    public static OwnerMetrics OfClient(string? name) => Of(Client, name);

    public static IEnumerable<Measurement<long>> Observe(Func<OwnerMetrics, Measurement<long>[]> measure) => All.Known.SelectMany(measure);

    public Measurement<long> Measure(long value) => new(value, _tags);

    public Measurement<long> Measure(long value, KeyValuePair<string, object?> tag) => new(value, [.. _tags, tag]);

    public Measurement<long>[] MeasureStates() =>
        [.. States.Select((state, index) => Measure(Volatile.Read(ref _states[index]), new KeyValuePair<string, object?>("socketkit.client.state", state)))];

    /// <summary>A server has one connection more, or less.</summary>
    public void CountConnection(int change) => Interlocked.Add(ref _active, change);

    /// <summary>A client has changed its state. Null: it is not counted yet, or not any more.</summary>
    public void CountState(ClientState? from, ClientState? to)
    {
        if (from is { } left)
        {
            Interlocked.Decrement(ref _states[(int)left]);
        }

        if (to is { } entered)
        {
            Interlocked.Increment(ref _states[(int)entered]);
        }
    }

    public void Add(IHoldings holdings)
    {
        lock (_holdings)
        {
            _holdings.Add(holdings);
        }
    }

    public void Remove(IHoldings holdings)
    {
        lock (_holdings)
        {
            _holdings.Remove(holdings);
        }
    }

    public (long QueuedBytes, long Buffers) Survey()
    {
        IHoldings[] all;
        lock (_holdings)
        {
            all = [.. _holdings];
        }

        var sum = (QueuedBytes: 0L, Buffers: 0L);
        foreach (var one in all)
        {
            var (queued, buffers) = one.Survey();
            sum = (sum.QueuedBytes + queued, sum.Buffers + buffers);
        }

        return sum;
    }

    /// <summary>Adds to a counter, with the owner's attributes.</summary>
    public void Count(SafeCounter counter, long delta = 1) => counter.Add(delta, _tags);

    /// <summary>The same, with what went wrong.</summary>
    public void Count(SafeCounter counter, string errorType, long delta = 1)
    {
        if (counter.Enabled)
        {
            counter.Add(delta, With(errorType));
        }
    }

    public void Record(SafeHistogram histogram, TimeSpan time, string? errorType)
    {
        if (histogram.Enabled)
        {
            histogram.Record(time.TotalSeconds, errorType is null ? new TagList(_tags) : With(errorType));
        }
    }

    /// <summary>A connection is over.</summary>
    public void Closed(CloseKind kind, TimeSpan lifetime)
    {
        var name = kind.ToString();
        Record(SocketKitMetrics.ConnectionDuration, lifetime, name);
        switch (kind)
        {
            case CloseKind.ProtocolError or CloseKind.FrameTooLarge:
                Count(SocketKitMetrics.ProtocolErrors, name);
                break;
            case CloseKind.SlowConsumer:
                Count(SocketKitMetrics.SlowConsumers);
                break;
            case CloseKind.HeartbeatTimeout:
                Count(SocketKitMetrics.HeartbeatTimeouts);
                break;
            default:
                break;
        }
    }

    private static OwnerMetrics Of(string role, string? name)
    {
        SocketKitMetrics.Publish();
        return All.Of(role, name);
    }

    private TagList With(string errorType) => new(_tags) { { SocketKitMetrics.ErrorType, errorType } };

    /// <summary>
    /// Those of each role and name. Beyond so many the rest is counted without a name: names are meant for a handful of servers and
    /// clients, not for each peer.
    /// </summary>
    internal sealed class Register(int mostNames)
    {
        private readonly ConcurrentDictionary<(string Role, string? Name), OwnerMetrics> _known = new();

        public IEnumerable<OwnerMetrics> Known => _known.Values;

        public OwnerMetrics Of(string role, string? name) => _known.TryGetValue((role, name), out var known)
            ? known
            : _known.GetOrAdd((role, _known.Count < mostNames ? name : null), static key => new OwnerMetrics(key.Role, key.Name));
    }
}
