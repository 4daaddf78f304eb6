using SocketKit.Load.Measuring;

namespace SocketKit.Load.Tests.Measuring;

public class ComparisonTests
{
    [Fact]
    public void Servers_are_compared_by_messages_per_second_with_C_and_with_Kestrel()
    {
        var ours = Results.Comparison().Rows.Single(row => row is { Scenario: "small", Server: "sockets" });

        ours.Figure.Should().Be(142_500);
        ours.Lowest.Should().Be(95_000);
        ours.Highest.Should().Be(190_000);
        ours.OfC.Should().BeApproximately(0.95, 1e-9);
        ours.OfKestrel.Should().BeApproximately(2.375, 1e-9);
    }

    [Fact]
    public void With_one_connection_they_are_compared_by_the_median_latency()
    {
        var ours = Results.Comparison().Rows.Single(row => row is { Scenario: "latency", Server: "sockets" });

        ours.Figure.Should().Be(ours.P50);
        ours.OfC.Should().BeApproximately(1 / 0.95, 1e-9);
    }

    [Fact]
    public void Without_C_there_is_no_ratio_to_it()
    {
        Contender[] contenders = [Contender.All.First(one => one.Name == Contender.Kestrel)];

        var row = Comparison.RowsOf(Scenario.All[0], contenders, contenders.ToDictionary(one => one, _ => new List<Load.Driving.LoadResult> { Results.Of(1) })).Single();

        row.OfC.Should().BeNull();
        row.OfKestrel.Should().Be(1);
    }

    [Fact]
    public void Who_cannot_take_part_is_named_with_the_reason()
    {
        var (present, missing) = Contender.Choose(["plain", "c", "kestrel"], one => one.Name == "c" ? "there is no compiler" : null);

        present.Select(one => one.Name).Should().Equal("plain", "kestrel");
        missing.Should().Equal("C, epoll is left out: there is no compiler.");
    }

    [Fact]
    public void An_unknown_name_is_refused()
    {
        var choose = () => Contender.Choose(["plain", "nobody"]);

        choose.Should().Throw<ArgumentException>().WithMessage("No server is called nobody*");
    }
}
