using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using SocketKit.Hosting.Services;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Hosting.Tests.Services;

/// <summary>A sink that throws is not noticed by what logs.</summary>
[Trait("Fault", "X02")]
public class BrokenLogTests
{
    private static readonly LogLines All = new(typeof(HostingLog));

    public static TheoryData<string> Lines => All.Names;

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_logger_that_throws_is_noticed_at_no_line(string line)
    {
        foreach (var fault in new[] { LoggerFault.Factory, LoggerFault.IsEnabled, LoggerFault.Log })
        {
            var logs = new BrokenLogs(fault);
            All.Write(line, HostingLog.Create(new ServiceCollection().AddSingleton<ILoggerFactory>(logs).BuildServiceProvider()));
            logs.Ids.Should().HaveCount(fault == LoggerFault.Log ? 1 : 0);
        }
    }
}
