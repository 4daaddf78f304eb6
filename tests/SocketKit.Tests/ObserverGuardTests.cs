using System.Text.RegularExpressions;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

/// <summary>
/// Holds the source to the one guard for each kind of observer: nothing else gets hold of an application's logger, of an instrument or of a
/// source of spans.
/// </summary>
[Trait("Fault", "X02")]
public partial class ObserverGuardTests
{
    [Theory]
    [InlineData("a logger of a factory", @"(?<!ObserverFailures|SafeLogging)\.CreateLogger\b|\bILogger<|\bLoggerFactory\.Create\b", "SafeLogger.cs")]
    [InlineData("a meter", @"\bnew Meter\(", "SocketKitMetrics.cs")]
    [InlineData("an instrument", @"\.Create(Counter|UpDownCounter|Histogram|Gauge|Observable\w+)\b|(?<![\w])(Counter|UpDownCounter|Histogram|Gauge)<", "SafeInstruments.cs")]
    [InlineData("a source of spans", @"\bActivitySource\b|\.(StartActivity|CreateActivity)\b|\bnew Activity\(", "SafeActivities.cs")]
    [InlineData("the current span", @"\bActivity\.Current\s*=(?!=)", "SafeActivities.cs")]
    [InlineData("the end of a span", @"\b_?(activity|span)\?*\.(Stop|Start|Dispose|SetEndTime)\(", "SafeActivities.cs")]
    public void Only_its_guard_touches(string what, string pattern, string guard)
    {
        var found = Sources().Where(file => Regex.IsMatch(file.Code, pattern, RegexOptions.CultureInvariant)).Select(file => Path.GetFileName(file.Name));

        found.Should().Equal([guard], "{0} belongs to the guard alone", what);
    }

    [Fact]
    public void Loggers_come_from_the_guard_alone()
    {
        // Who has a factory makes loggers with the guard, or hands the factory on to options.
        Sources().Where(file => Regex.IsMatch(file.Code, @"\bILoggerFactory\b", RegexOptions.CultureInvariant)).Select(file => Path.GetFileName(file.Name))
            .Should().BeEquivalentTo("SafeLogger.cs", "SafeLogging.cs", "ObserverFailures.cs", "ConnectionOptions.cs", "HostingLog.cs", "Registrations.cs", "KestrelEndpoint.cs", "TransportSettings.cs");
    }

    private static IEnumerable<(string Name, string Code)> Sources() => Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && !path.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
        .Select(path => (path, CommentOrText().Replace(File.ReadAllText(path), " ")));

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/|\$?@?""(?:[^""\\\n]|\\.)*""", RegexOptions.Singleline)]
    private static partial Regex CommentOrText();
}
