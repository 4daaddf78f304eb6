namespace SocketKit.Tests.Heartbeats;

public class NoHeartbeatTests
{
    [Fact]
    public void It_never_does_anything()
    {
        var driver = new PolicyDriver(NoHeartbeat.Instance);

        driver.Run(3600);
        var decision = driver.Leap(TimeSpan.FromDays(1000));

        decision.Should().Be(HeartbeatDecision.Never);
        driver.Sent.Should().BeEmpty();
        driver.Decisions.Should().Be(2, "it is asked once at the beginning, and once here");
        NoHeartbeat.Instance.Classified("").Should().Be(HeartbeatKind.None);
        NoHeartbeat.Instance.Written(HeartbeatKind.Ping).Should().BeEmpty();
    }
}
