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

        var left = end - time.GetUtcNow();
        var text = string.Create(CultureInfo.InvariantCulture, $"{end.UtcDateTime:yyyy-MM-dd HH:mm} UTC");
        return Task.FromResult(
            left <= TimeSpan.Zero ? new HealthCheckResult(context.Registration.FailureStatus, $"expired at {text}")
            : left <= warning ? HealthCheckResult.Degraded($"expires at {text}")
            : HealthCheckResult.Healthy($"is valid until {text}"));
    }
}
