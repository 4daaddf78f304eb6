using System.Text.Json;
using System.Text.RegularExpressions;

namespace SocketKit.Telemetry.Tests;

/// <summary>The dashboard and the alert rules ask for what a scrape really gives.</summary>
[Collection(ScrapedTests.Name)]
public partial class DashboardTests(ScrapedApplication application)
{
    [Fact]
    public void The_dashboard_asks_for_metrics_and_labels_that_exist()
    {
        var expressions = DashboardExpressions();
        expressions.Should().HaveCountGreaterThan(20);
        CheckNames(expressions);
    }

    [Fact]
    public void The_alert_rules_ask_for_metrics_and_labels_that_exist()
    {
        var expressions = AlertExpressions();
        expressions.Should().HaveCountGreaterThan(8);
        CheckNames(expressions);
    }

    [Fact]
    public void Every_metric_is_on_the_dashboard()
    {
        var shown = DashboardExpressions().SelectMany(expression => Identifier().Matches(expression).Select(match => Family(match.Value))).ToHashSet();

        application.Complete.Names.Where(name => name.StartsWith("socketkit_", StringComparison.Ordinal)).Select(Family).Distinct().Should().BeSubsetOf(shown);
    }

    [Fact]
    public void Each_alert_says_what_it_is_and_how_bad()
    {
        var rules = File.ReadAllText(PathOf("alerts.yml")).Split("- alert: ").Skip(1).ToArray();
        rules.Should().HaveCountGreaterThan(8);
        rules.Should().OnlyContain(rule => rule.Contains("expr: ") && rule.Contains("severity: ") && rule.Contains("summary: ") && rule.Contains("description: "));
        rules.Select(rule => rule.Split('\n')[0].Trim()).Should().OnlyHaveUniqueItems().And.OnlyContain(name => name.StartsWith("SocketKit"));
    }

    private void CheckNames(IEnumerable<string> expressions)
    {
        var known = application.Complete.Names.Concat(application.Complete.Labels).ToHashSet();
        var unknown = expressions.SelectMany(expression => Identifier().Matches(expression).Select(match => match.Value)).Distinct().Where(name => !known.Contains(name));
        unknown.Should().BeEmpty("the scrape has {0}", string.Join(", ", application.Complete.Names.Order()));
    }

    // The parts of a histogram are one metric.
    private static string Family(string name) => Part().Replace(name, "");

    private static IReadOnlyList<string> DashboardExpressions()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(PathOf("socketkit.json")));
        return [.. dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .Where(panel => panel.GetProperty("type").GetString() != "row")
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
            .Select(target => target.GetProperty("expr").GetString()!)];
    }

    private static IReadOnlyList<string> AlertExpressions() =>
        [.. File.ReadAllLines(PathOf("alerts.yml")).Select(line => line.Trim()).Where(line => line.StartsWith("expr: ", StringComparison.Ordinal))];

    private static string PathOf(string name)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "SocketKit.sln")))
            {
                return Path.Combine(folder.FullName, "docs", "dashboards", name);
            }
        }

        throw new InvalidOperationException($"SocketKit.sln lies nowhere above {AppContext.BaseDirectory}.");
    }

    [GeneratedRegex(@"\bsocketkit_\w+|\berror_type\b|\bnetwork_io_direction\b")]
    private static partial Regex Identifier();

    [GeneratedRegex(@"_(?:bucket|sum|count|total)$")]
    private static partial Regex Part();
}
