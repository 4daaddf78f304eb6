namespace SocketKit.IntegrationTests.TestDoubles;

/// <summary>Upper bounds on times.</summary>
internal static class Bounds
{
    // The machine may be doing other things as well; what fails for good takes the time-outs of tens of seconds, or for ever, which this
    // still tells apart.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);

    /// <summary>What a test measures against when so many seconds are required.</summary>
    public static TimeSpan Seconds(double required) => TimeSpan.FromSeconds(required) + Slack;
}
