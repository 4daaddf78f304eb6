using Microsoft.Extensions.Diagnostics.HealthChecks;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Health;

/// <summary>
/// Ready: it listens, is not about to stop, and its certificate is good. Full, and a certificate that soon expires, are warnings.
/// </summary>
internal sealed class ServerCheck(HostedServer hosted, TimeSpan warning, TimeProvider time) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(Check(context.Registration.FailureStatus));

    private HealthCheckResult Check(HealthStatus failure)
    {
        switch (hosted.State)
        {
            case ServerState.NotStarted:
                return new HealthCheckResult(failure, "does not listen yet");
            case ServerState.Draining:
                return new HealthCheckResult(failure, "is draining");
            case ServerState.Stopped:
                return new HealthCheckResult(failure, "has stopped");
            default:
                break;
        }

        var (count, most) = (hosted.Server.Connections.Count, hosted.MaxConnections);
        var data = new Dictionary<string, object> { ["connections"] = count, ["maxConnections"] = most };
        if (hosted.CertificateExpires is { } end && CertificateCheck.Judge(end, warning, time, failure) is { Status: not HealthStatus.Healthy } certificate)
        {
            return new HealthCheckResult(certificate.Status, "its certificate " + certificate.Text, null, data);
        }

        return count >= most
            ? HealthCheckResult.Degraded($"refuses connections: {count} are connected (MaxConnections)", null, data)
            : HealthCheckResult.Healthy("listens", data);
    }
}
