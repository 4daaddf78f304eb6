using Microsoft.Extensions.Diagnostics.HealthChecks;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Health;

/// <summary>Ready: it listens, and is not about to stop. Full is a warning.</summary>
internal sealed class ServerCheck(HostedServer hosted) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(Check(context.Registration.FailureStatus));

    private HealthCheckResult Check(HealthStatus failure)
    {
        switch (hosted.Phase)
        {
            case ServerPhase.NotStarted:
                return new HealthCheckResult(failure, "does not listen yet");
            case ServerPhase.Draining:
                return new HealthCheckResult(failure, "is draining");
            case ServerPhase.Stopped:
                return new HealthCheckResult(failure, "has stopped");
            default:
                break;
        }

        var (count, most) = (hosted.Server.Connections.Count, hosted.MaxConnections);
        var data = new Dictionary<string, object> { ["connections"] = count, ["maxConnections"] = most };
        return count >= most
            ? HealthCheckResult.Degraded($"refuses connections: {count} are connected (MaxConnections)", null, data)
            : HealthCheckResult.Healthy("listens", data);
    }
}
