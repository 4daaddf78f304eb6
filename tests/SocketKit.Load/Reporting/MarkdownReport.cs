using System.Globalization;
using System.Text;
using SocketKit.Load.Measuring;

namespace SocketKit.Load.Reporting;

/// <summary>A comparison as Markdown: a line on how it was measured, and one table per load.</summary>
internal static class MarkdownReport
{
    public static string Of(Comparison comparison)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{comparison.Machine}; medians of {comparison.Rounds} rounds of {comparison.Seconds} s after {comparison.FirstWarmUpSeconds} s of warm-up, {comparison.WarmUpSeconds} s from the second round on, every byte of every echo checked.\n");
        foreach (var note in comparison.Notes)
        {
            text.Append(note).Append('\n');
        }

        foreach (var rows in comparison.Rows.GroupBy(row => row.Scenario))
        {
            var scenario = Scenario.All.First(one => one.Name == rows.Key);
            text.Append(CultureInfo.InvariantCulture, $"\n**{scenario.Load.Text}**\n\n{TableOf(scenario, rows)}");
        }

        return text.ToString();
    }

    /// <summary>Thousands without decimals, small figures with one.</summary>
    public static string Number(double value) => value.ToString(value >= 100 ? "N0" : "0.0", CultureInfo.InvariantCulture);

    private static Table TableOf(Scenario scenario, IEnumerable<ComparisonRow> rows)
    {
        var (figure, other) = scenario.ByLatency ? ("p50, us", "messages/s") : ("messages/s", "p50, us");
        var table = new Table("Server", figure, "lowest - highest", "C = 1", "Kestrel = 1", other, "p99, us", "server's CPU, us/message", "allocated, B/message");
        foreach (var row in rows)
        {
            table.Add(
                row.Title, Number(row.Figure), $"{Number(row.Lowest)} - {Number(row.Highest)}", Fixed(row.OfC, "0.00"), Fixed(row.OfKestrel, "0.00"),
                Number(scenario.ByLatency ? row.MessagesPerSecond : row.P50), Number(row.P99), Fixed(row.ServerMicroseconds, "0.00"), Fixed(row.AllocatedPerMessage, "0"));
        }

        return table;
    }

    /// <summary>A figure that may be missing.</summary>
    public static string Fixed(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}
