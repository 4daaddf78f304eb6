using Microsoft.Extensions.Options;
using SocketKit.AspNetCore.Connections;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Connections;

/// <summary>A sink that throws is not noticed by what logs.</summary>
[Trait("Fault", "X02")]
public class BrokenLogTests
{
    private static readonly LogLines All = new(typeof(AspNetCoreLog));

    public static TheoryData<string> Lines => All.Names;

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_logger_that_throws_is_noticed_at_no_line(string line)
    {
        foreach (var fault in new[] { LoggerFault.Factory, LoggerFault.IsEnabled, LoggerFault.Log })
        {
            var logs = new BrokenLogs(fault);
            All.Write(line, new TransportSettings(Options.Create(new SocketKitTransportOptions()), logs).Logger);
            logs.Ids.Should().HaveCount(fault == LoggerFault.Log ? 1 : 0);
        }
    }
}
