using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Security.Authentication;

namespace SocketKit.Diagnostics;

/// <summary>The instruments of the meter <c>SocketKit</c> for TLS.</summary>
internal static class TlsMetrics
{
    private static readonly Meter Meter = new("SocketKit");
    private static readonly ConcurrentDictionary<object, (string Name, Func<double> Days, int Uses)> Certificates = new(ReferenceEqualityComparer.Instance);
    private static readonly UpDownCounter<long> ActiveHandshakes = Meter.CreateUpDownCounter<long>("socketkit.server.active_tls_handshakes", "{handshake}", "TLS handshakes under way on servers.");
    private static readonly Histogram<double> HandshakeDuration = Meter.CreateHistogram<double>("socketkit.server.tls_handshake.duration", "s", "TLS handshakes of servers, by version, and by failure as error.type.");

    static TlsMetrics() => Meter.CreateObservableGauge("socketkit.tls.certificate.days_to_expiry", Observe, "d", "Days until a listener's certificate expires; negative when it has.");

    public static void HandshakeBegan(bool server)
    {
        if (server)
        {
            ActiveHandshakes.Add(1);
        }
    }

    /// <param name="server">Those of clients are not counted.</param>
    /// <param name="duration">From the first bytes on.</param>
    /// <param name="protocol">The version, when it succeeded.</param>
    /// <param name="failure">The failure, when it failed.</param>
    public static void HandshakeEnded(bool server, TimeSpan duration, SslProtocols? protocol, string? failure)
    {
        if (!server)
        {
            return;
        }

        ActiveHandshakes.Add(-1);
        if (HandshakeDuration.Enabled)
        {
            HandshakeDuration.Record(duration.TotalSeconds, failure is null
                ? new KeyValuePair<string, object?>("tls.protocol.version", protocol == SslProtocols.Tls13 ? "1.3" : "1.2")
                : new KeyValuePair<string, object?>("error.type", failure));
        }
    }

    /// <summary>A listener uses a certificate; as often as it says so, it must say the contrary.</summary>
    public static void Watch(object certificate, string name, Func<double> days) =>
        Certificates.AddOrUpdate(certificate, _ => (name, days, 1), (_, known) => known with { Uses = known.Uses + 1 });

    public static void Forget(object certificate)
    {
        while (Certificates.TryGetValue(certificate, out var known))
        {
            if (known.Uses > 1 ? Certificates.TryUpdate(certificate, known with { Uses = known.Uses - 1 }, known) : Certificates.TryRemove(KeyValuePair.Create(certificate, known)))
            {
                return;
            }
        }
    }

    private static IEnumerable<Measurement<double>> Observe() =>
        Certificates.Values.Select(known => new Measurement<double>(known.Days(), new KeyValuePair<string, object?>("socketkit.tls.certificate", known.Name)));
}
