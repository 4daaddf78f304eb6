namespace SocketKit.Load.Tests;

public class CommandLineTests
{
    [Theory]
    [InlineData("serve")]
    [InlineData("serve --engine sockets --port 9000 --handler block --block-every 8 --block-ms 5")]
    [InlineData("serve --heartbeat 15")]
    [InlineData("serve --telemetry metrics")]
    [InlineData("serve --kind kestrel")]
    [InlineData("serve --kind http --port 9000")]
    [InlineData("serve --kind http-socketkit --engine sockets")]
    [InlineData("drive --port 9000")]
    [InlineData("drive --port 9000 --connections 10 --depth 4 --size 65536 --seconds 0.5 --warm-up 0 --rate 5000 --exclude-every 64 --json out.json")]
    [InlineData("compare --rounds 1 --seconds 1 --first-warm-up 3 --servers epoll c kestrel --loads small latency --svg out.svg")]
    [InlineData("measure idle --connections 100")]
    [InlineData("measure idle --heartbeat 15 --settle 600 --servers epoll")]
    [InlineData("measure churn --servers sockets --seconds 1")]
    [InlineData("measure busy --block-every 64 --same-process")]
    [InlineData("measure fanout --messages 5")]
    [InlineData("measure blocking --fraction 0.2")]
    [InlineData("measure growth")]
    [InlineData("measure stalls --rounds 200 --cases newcomer stop --loops 0")]
    [InlineData("measure tls-close --seconds 7")]
    [InlineData("measure tls-close --roles client --engines epoll --protocols 1.3 --causes Close Dispose --workers 4")]
    [InlineData("measure http --connections 64 --depth 16 --rounds 3")]
    public void What_the_manual_shows_is_accepted(string line)
    {
        CommandLine.Create().Parse(line).Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData("serve --kind nobody", "nobody")]
    [InlineData("serve --engine steam", "steam")]
    [InlineData("serve --port 65536", "--port is 0 to 65535, not 65536.")]
    [InlineData("serve --kind kestrel --handler async", "--handler is for --kind socketkit.")]
    [InlineData("serve --kind http --heartbeat 5", "--heartbeat is for --kind socketkit.")]
    [InlineData("serve --kind kestrel --telemetry metrics", "--telemetry is for --kind socketkit.")]
    [InlineData("serve --telemetry all", "all")]
    [InlineData("measure idle --heartbeat -1", "--heartbeat is at least 0, not -1.")]
    [InlineData("serve --handler block --block-every 0", "--block-every is at least 1, not 0.")]
    [InlineData("drive", "--port")]
    [InlineData("drive --port 0", "--port is 1 to 65535, not 0.")]
    [InlineData("drive --port 9000 --depth 0", "--depth is at least 1, not 0.")]
    [InlineData("drive --port 9000 --size 1048577", "--size is 0 to 1048576, not 1048577.")]
    [InlineData("drive --port 9000 --rate 0", "--rate is at least 1, not 0.")]
    [InlineData("compare --servers sockets nobody", "nobody")]
    [InlineData("compare --rounds 0", "--rounds is at least 1, not 0.")]
    [InlineData("measure fanout --servers kestrel", "kestrel")]
    [InlineData("measure http --servers kestrel", "kestrel")]
    [InlineData("measure http --depth 0", "--depth is at least 1, not 0.")]
    public void What_makes_no_sense_is_refused_with_its_reason(string line, string reason)
    {
        var errors = CommandLine.Create().Parse(line).Errors;

        errors.Should().ContainSingle().Which.Message.Should().Contain(reason);
    }
}
