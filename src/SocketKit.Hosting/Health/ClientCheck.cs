using Microsoft.Extensions.Diagnostics.HealthChecks;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Health;

/// <summary>Connected, or a warning: what the client cannot reach is not cured by fewer requests here.</summary>
internal sealed class ClientCheck(HostedClient hosted) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var state = hosted.Client.State;
        if (state == ClientState.Connected)
        {
            return Task.FromResult(HealthCheckResult.Healthy("is connected"));
        }

        // The kind alone: a reason's text may come from the peer.
        var why = hosted.LastChange?.Reason is { } reason ? $": {reason.Kind}" : "";
        return Task.FromResult(HealthCheckResult.Degraded($"is not connected ({state}{why})", null, new Dictionary<string, object> { ["state"] = state.ToString() }));
    }
}
