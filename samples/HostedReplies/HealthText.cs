using Microsoft.AspNetCore.Diagnostics.HealthChecks;

namespace HostedReplies;

/// <summary>Answers a probe with the checks of one tag, a line for each.</summary>
internal static class HealthText
{
    public static HealthCheckOptions Of(string tag) => new()
    {
        Predicate = check => check.Tags.Contains(tag),
        ResponseWriter = (context, report) =>
        {
            context.Response.ContentType = "text/plain; charset=utf-8";
            return context.Response.WriteAsync(string.Concat(report.Entries.Select(entry => $"{entry.Key}: {entry.Value.Status}, {entry.Value.Description}\n")));
        },
    };
}
