using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using SocketKit.Diagnostics;

namespace SocketKit.Tests.Diagnostics;

public class RuntimeAgeTests
{
    [Theory]
    [InlineData("10.0.0", true)]
    [InlineData("10.0.10", true)]
    [InlineData("10.0.11", false)]
    [InlineData("10.0.12", false)]
    [InlineData("10.1.0", false)]
    [InlineData("11.0.0", false)]
    public void A_runtime_with_known_holes_is_told(string version, bool told)
    {
        var logs = new FakeLogCollector();

        RuntimeAge.Check(new FakeLogger(logs), Version.Parse(version));

        logs.GetSnapshot().Select(record => (record.Level, record.Id.Id, record.Message)).Should().Equal(told
            ? [(LogLevel.Warning, 17, $"This program runs on .NET {version}, which has known holes in what TLS rests on; 10.0.11 or later closes them")]
            : []);
    }
}
