using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using SocketKit.AspNetCore.Connections;

namespace SocketKit.AspNetCore.Tests.Connections;

public class AspNetCoreLogTests
{
    [Theory]
    [InlineData("docs/metrics-and-logs.md")]
    [InlineData("docs/zh-CN/metrics-and-logs.md")]
    public void Each_line_is_documented_with_its_id(string page)
    {
        var documented = File.ReadAllLines(Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../..", page)));
        var lines = typeof(AspNetCoreLog).GetMethods(BindingFlags.Static | BindingFlags.Public)
            .Select(method => (method.Name, Line: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(method => method.Line is not null)
            .Select(method => $"| {method.Line!.EventId} | {method.Name} | {method.Line.Level} | `{method.Line.Message}` |")
            .ToArray();

        lines.Should().HaveCount(3);
        documented.Should().Contain(lines);
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
