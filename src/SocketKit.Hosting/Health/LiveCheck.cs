using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace SocketKit.Hosting.Health;

/// <summary>That it runs is the answer: a process that is stuck does not answer, and everything else is not cured by a restart.</summary>
internal sealed class LiveCheck : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(HealthCheckResult.Healthy("running"));
}
