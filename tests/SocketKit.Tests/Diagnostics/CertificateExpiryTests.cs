using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Time.Testing;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Diagnostics;

[Collection(ListeningTests.Name)]
public class CertificateExpiryTests
{
    [Fact]
    public void The_gauge_shows_the_seconds_left_of_the_certificate_in_use()
    {
        var time = new FakeTimeProvider();
        DateTimeOffset? notAfter = time.GetUtcNow().AddDays(30);
        using var expiry = new MetricCollector<double>(null, "SocketKit", "socketkit.tls.certificate.expiry");
        using (CertificateExpiry.Watch("api", () => notAfter, time))
        using (CertificateExpiry.Watch("api", () => time.GetUtcNow().AddDays(40), time))
        {
            Left().Should().Be(30 * 86400, "of two with one name, the one that expires first");
            time.Advance(TimeSpan.FromDays(1));
            Left().Should().Be(29 * 86400);
            notAfter = time.GetUtcNow().AddDays(-1);
            Left().Should().Be(-86400, "it has expired");
            notAfter = null;
            Left().Should().Be(40 * 86400, "there is none");
        }

        Left().Should().BeNull();
        expiry.Instrument!.Unit.Should().Be("s");

        double? Left()
        {
            expiry.Clear();
            expiry.RecordObservableInstruments();
            return expiry.GetMeasurementSnapshot().SingleOrDefault(measurement => measurement.Tags["socketkit.tls.certificate.name"] as string == "api")?.Value;
        }
    }

    [Fact]
    [Trait("Fault", "X02")]
    public void One_that_cannot_be_told_hides_no_other()
    {
        var time = new FakeTimeProvider();
        using var expiry = new MetricCollector<double>(null, "SocketKit", "socketkit.tls.certificate.expiry");
        using (CertificateExpiry.Watch("broken", () => throw new FormatException("not after"), time))
        using (CertificateExpiry.Watch("whole", () => time.GetUtcNow().AddDays(1), time))
        {
            expiry.RecordObservableInstruments();
        }

        expiry.GetMeasurementSnapshot().Where(measurement => measurement.Tags["socketkit.tls.certificate.name"] is "broken" or "whole").Should().ContainSingle().Which.Value.Should().Be(86400);
    }
}
