using System.Globalization;
using System.Xml.Linq;
using SocketKit.Load.Driving;
using SocketKit.Load.Measuring;
using SocketKit.Load.Reporting;
using SocketKit.Load.Tests.Measuring;

namespace SocketKit.Load.Tests.Reporting;

public class ReportTests
{
    [Fact]
    public void A_table_has_a_line_for_each_row_and_text_cannot_break_it()
    {
        var table = new Table("Server", "messages/s");
        table.Add("a|b", "1");

        table.ToString().Should().Be("| Server | messages/s |\n|---|---:|\n| a\\|b | 1 |\n");
    }

    [Fact]
    public void A_row_of_another_width_is_refused()
    {
        var add = () => new Table("Server", "messages/s").Add("a");

        add.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void The_report_names_the_machine_who_is_missing_and_every_figure()
    {
        var report = MarkdownReport.Of(Results.Comparison());

        report.Should().Contain("a machine & more; medians of 2 rounds of 3 s after 5 s of warm-up, 1 s from the second round on");
        report.Should().Contain("SocketKit, epoll engine is left out: it is <young>.");
        report.Should().Contain("**64 connections, 32 B, one at a time**");
        report.Should().Contain("| SocketKit, portable engine | 142,500 | 95,000 - 190,000 | 0.95 | 2.38 |");
        report.Should().Contain("| C, epoll | 150,000 | 100,000 - 200,000 | 1.00 |");
    }

    [Fact]
    public void Over_TLS_every_row_says_so_and_the_loops_are_over_an_SslStream()
    {
        Contender[] contenders = [.. Contender.All.Where(one => one.Name is "epoll" or "plain" or "batched").Select(one => one.OverTls())];
        var rows = Comparison.RowsOf(Scenario.All[0], contenders, contenders.ToDictionary(one => one, _ => new List<LoadResult> { Results.Of(1000) }));

        var report = MarkdownReport.Of(Results.Comparison() with { Rows = [.. rows] });

        report.Should().Contain("| SocketKit, epoll engine, TLS |").And.Contain("| plain `SslStream` loop, TLS |").And.Contain("| plain `SslStream` loop, batched, TLS |");
        report.Should().NotContain("`Socket` loop");
    }

    [Fact]
    public void The_chart_is_valid_and_its_bars_are_as_long_as_their_figures()
    {
        var comparison = Results.Comparison();

        var svg = XDocument.Parse(BarChart.Of(comparison));

        XNamespace name = "http://www.w3.org/2000/svg";
        var bars = svg.Descendants(name + "rect").Skip(1).Select(bar => double.Parse(bar.Attribute("width")!.Value, CultureInfo.InvariantCulture)).ToArray();
        bars.Should().HaveCount(comparison.Rows.Length);
        (bars[0] / bars[1]).Should().BeApproximately(0.95, 0.01);
        (bars[2] / bars[1]).Should().BeApproximately(0.4, 0.01);
        svg.Descendants(name + "text").Select(text => text.Value).Should().Contain(["a machine & more", "142,500 (0.95 of C)"]);
    }
}
