using System.Globalization;
using System.Security;
using System.Text;
using SocketKit.Load.Measuring;

namespace SocketKit.Load.Reporting;

/// <summary>
/// A comparison as SVG: a panel of bars per load, each with a scale of its own. Its white ground makes it readable on dark pages too.
/// </summary>
internal static class BarChart
{
    private const int Width = 800;
    private const int Margin = 16;
    private const int Labels = 210;
    private const int Bars = 390;
    private const int BarHeight = 20;
    private const int BarGap = 6;
    private const int PanelHead = 34;

    public static string Of(Comparison comparison)
    {
        var panels = comparison.Rows.GroupBy(row => row.Scenario).ToArray();
        var height = 58 + panels.Sum(panel => PanelHead + (panel.Count() * (BarHeight + BarGap)) + 10);
        var svg = new StringBuilder();
        Add(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Width}\" height=\"{height}\" viewBox=\"0 0 {Width} {height}\" font-family=\"system-ui, sans-serif\" font-size=\"13\">");
        Add(svg, $"<rect width=\"{Width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        Add(svg, $"<text x=\"{Margin}\" y=\"26\" font-size=\"16\" font-weight=\"600\" fill=\"#1f2328\">Echo over 4-byte length frames, one processor for the server</text>");
        Add(svg, $"<text x=\"{Margin}\" y=\"44\" font-size=\"11\" fill=\"#59636e\">{Escaped(comparison.Machine)}</text>");
        var y = 58;
        foreach (var panel in panels)
        {
            y = Panel(svg, Scenario.All.First(one => one.Name == panel.Key), [.. panel], y);
        }

        Add(svg, $"</svg>");
        return svg.ToString();
    }

    private static int Panel(StringBuilder svg, Scenario scenario, ComparisonRow[] rows, int y)
    {
        var unit = scenario.ByLatency ? "median latency in us, less is better" : "messages/s, more is better";
        Add(svg, $"<text x=\"{Margin}\" y=\"{y + 22}\" fill=\"#1f2328\"><tspan font-weight=\"600\">{Escaped(scenario.Load.Text)}</tspan><tspan fill=\"#59636e\">: {unit}</tspan></text>");
        y += PanelHead;
        var most = rows.Max(row => row.Figure);
        foreach (var row in rows)
        {
            var width = Math.Max(1, row.Figure / most * Bars);
            var ratio = row.OfC is { } ofC ? string.Create(CultureInfo.InvariantCulture, $" ({ofC:0.00} of C)") : "";
            var middle = y + (BarHeight / 2) + 4;
            Add(svg, $"<text x=\"{Margin + Labels - 8}\" y=\"{middle}\" text-anchor=\"end\" fill=\"#1f2328\">{Escaped(row.Title.Replace("`", "", StringComparison.Ordinal))}</text>");
            Add(svg, $"<rect x=\"{Margin + Labels}\" y=\"{y}\" width=\"{width:0.#}\" height=\"{BarHeight}\" rx=\"2\" fill=\"{ColourOf(row.Server)}\"/>");
            Add(svg, $"<text x=\"{Margin + Labels + width + 6:0.#}\" y=\"{middle}\" fill=\"#1f2328\">{MarkdownReport.Number(row.Figure)}{ratio}</text>");
            y += BarHeight + BarGap;
        }

        return y + 10;
    }

    private static string ColourOf(string server) => server switch
    {
        "epoll" => "#1a7f37",
        "sockets" => "#4ac26b",
        "c" or "c-direct" => "#59636e",
        _ => "#8fb8de",
    };

    private static string? Escaped(string text) => SecurityElement.Escape(text);

    private static void Add(StringBuilder svg, FormattableString element) => svg.Append(element.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
