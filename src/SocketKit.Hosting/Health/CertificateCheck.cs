using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SocketKit.Hosting.Health;

/// <summary>Warns of a certificate that soon expires, and fails when it has.</summary>
internal sealed class CertificateCheck(Func<DateTimeOffset?> notAfter, TimeSpan warning, TimeProvider time) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (notAfter() is not { } end)
        {
            return Task.FromResult(HealthCheckResult.Degraded("there is no certificate"));
        }

        var (status, text) = Judge(end, warning, time, context.Registration.FailureStatus);
        return Task.FromResult(new HealthCheckResult(status, text));
    }

    public static (HealthStatus Status, string Text) Judge(DateTimeOffset end, TimeSpan warning, TimeProvider time, HealthStatus failure)
    {
        var left = end - time.GetUtcNow();
        var text = string.Create(CultureInfo.InvariantCulture, $"{end.UtcDateTime:yyyy-MM-dd HH:mm} UTC");
        return left <= TimeSpan.Zero ? (failure, $"expired at {text}")
            : left <= warning ? (HealthStatus.Degraded, $"expires at {text}")
            : (HealthStatus.Healthy, $"is valid until {text}");
    }
}
