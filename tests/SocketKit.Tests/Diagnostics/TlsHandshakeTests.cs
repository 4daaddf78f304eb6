using System.Security.Authentication;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Time.Testing;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

[Collection(ListeningTests.Name)]
public class TlsHandshakeTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_handshake_is_active_until_it_ends_and_then_its_duration_is_recorded()
    {
        using var active = new MetricCollector<long>(null, "SocketKit", "socketkit.active_tls_handshakes");
        using var duration = new MetricCollector<double>(null, "SocketKit", "socketkit.tls_handshake.duration");
        var handshake = TlsHandshake.Begin(isServer: true, _time);
        Active(active, "server").Should().Be(1);
        Active(active, "client").Should().Be(0);
        _time.Advance(TimeSpan.FromMilliseconds(30));
        handshake.Succeeded(SslProtocols.Tls13);
        handshake.Dispose();
        handshake.Dispose();

        Active(active, "server").Should().Be(0);
        var measured = duration.GetMeasurementSnapshot().Should().ContainSingle().Which;
        measured.Value.Should().Be(0.03);
        measured.Tags.Should().BeEquivalentTo(new Dictionary<string, object?> { ["socketkit.role"] = "server", ["tls.protocol.version"] = "1.3" });
    }

    [Fact]
    public void One_that_fails_or_is_given_up_says_so()
    {
        using var duration = new MetricCollector<double>(null, "SocketKit", "socketkit.tls_handshake.duration");
        using (var failed = TlsHandshake.Begin(isServer: false, _time))
        {
            failed.Failed(new AuthenticationException("no"));
        }

        using (var cancelled = TlsHandshake.Begin(isServer: false, _time))
        {
            cancelled.Failed(new OperationCanceledException());
        }

        TlsHandshake.Begin(isServer: false, _time).Dispose();

        duration.GetMeasurementSnapshot().Select(measurement => measurement.Tags["error.type"]).Should().Equal("System.Security.Authentication.AuthenticationException", "cancelled", "cancelled");
        duration.GetMeasurementSnapshot().Should().OnlyContain(measurement => !measurement.Tags.ContainsKey("tls.protocol.version"));
    }

    private static long Active(MetricCollector<long> active, string role)
    {
        active.Clear();
        active.RecordObservableInstruments();
        return active.GetMeasurementSnapshot().Single(measurement => measurement.Tags["socketkit.role"] as string == role).Value;
    }
}
