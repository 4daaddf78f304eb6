using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Security.Authentication;

namespace SocketKit.Diagnostics;

/// <summary>
/// One TLS handshake, as metrics see it: <c>using var handshake = TlsHandshake.Begin(isServer, time);</c>, then <see cref="Succeeded"/> or
/// <see cref="Failed(Exception)"/>. One that is disposed of without either has failed by being given up.
/// </summary>
internal sealed class TlsHandshake : IDisposable
{
    /// <summary>It was given up: at the open deadline, or by this side.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>A reason that is in no list, as OpenTelemetry spells it.</summary>
    public const string OtherError = "_OTHER";

    private static readonly KeyValuePair<string, object?> Server = new("socketkit.role", "server");
    private static readonly KeyValuePair<string, object?> Client = new("socketkit.role", "client");
    private static long _activeServers;
    private static long _activeClients;

    private readonly bool _isServer;
    private readonly TimeProvider _time;
    private readonly long _began;
    private string? _version;
    private string? _error = Cancelled;
    private bool _ended;

    private TlsHandshake(bool isServer, TimeProvider time)
    {
        _isServer = isServer;
        _time = time;
        _began = time.GetTimestamp();
        Interlocked.Increment(ref Active);
    }

    private ref long Active => ref _isServer ? ref _activeServers : ref _activeClients;

    /// <summary>A handshake begins.</summary>
    /// <param name="isServer">False on the side that dials.</param>
    /// <param name="time">Default: the system's clock.</param>
    public static TlsHandshake Begin(bool isServer, TimeProvider? time = null)
    {
        SocketKitMetrics.Publish();
        return new TlsHandshake(isServer, time ?? TimeProvider.System);
    }

    public static IEnumerable<Measurement<long>> ObserveActive() => [new(Interlocked.Read(ref _activeServers), Server), new(Interlocked.Read(ref _activeClients), Client)];

    /// <summary>It is done; notes the version of the protocol.</summary>
    public void Succeeded(SslProtocols protocol)
    {
        _error = null;
#pragma warning disable CA5397, CA5398, CS0618, SYSLIB0039 // Names of versions, also of those that nobody should use.
        _version = protocol switch
        {
            SslProtocols.Tls13 => "1.3",
            SslProtocols.Tls12 => "1.2",
            SslProtocols.Tls11 => "1.1",
            SslProtocols.Tls => "1.0",
            _ => null,
        };
#pragma warning restore CA5397, CA5398, CS0618, SYSLIB0039
    }

    /// <summary>It has failed, for a reason from a closed list.</summary>
    public void Failed(string error) => _error = error;

    /// <summary>It has failed, with this.</summary>
    public void Failed(Exception exception) => _error = exception is OperationCanceledException ? Cancelled : exception.GetType().FullName;

    /// <summary>Ends the measurement. Idempotent.</summary>
    public void Dispose()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        Interlocked.Decrement(ref Active);
        if (!SocketKitMetrics.TlsHandshakeDuration.Enabled)
        {
            return;
        }

        var tags = new TagList { _isServer ? Server : Client };
        if (_version is not null)
        {
            tags.Add("tls.protocol.version", _version);
        }

        if (_error is not null)
        {
            tags.Add(SocketKitMetrics.ErrorType, _error);
        }

        SocketKitMetrics.TlsHandshakeDuration.Record(_time.GetElapsedTime(_began).TotalSeconds, tags);
    }
}
