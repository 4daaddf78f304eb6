namespace SocketKit.Tests;

public class ResponseMatchTests
{
    [Fact]
    public void The_default_answers_nobody()
    {
        default(ResponseMatch).Should().Be(ResponseMatch.None);
        ResponseMatch.None.ToString().Should().Be("None");
    }

    [Fact]
    public void It_is_compared_by_content()
    {
        ResponseMatch[] all = [ResponseMatch.None, ResponseMatch.Oldest, ResponseMatch.Id(0), ResponseMatch.Id(1), ResponseMatch.Id(-1)];
        all.Should().OnlyHaveUniqueItems();
        ResponseMatch.Id(7).Should().Be(ResponseMatch.Id(7));
        ResponseMatch.Id(7).GetHashCode().Should().Be(ResponseMatch.Id(7).GetHashCode());
        (ResponseMatch.Oldest == ResponseMatch.Id(0)).Should().BeFalse();
        (ResponseMatch.Oldest != ResponseMatch.None).Should().BeTrue();
        ResponseMatch.None.Equals((object)0L).Should().BeFalse();
    }

    [Theory]
    [InlineData(0, "Id 0")]
    [InlineData(-12345, "Id -12345")]
    public void An_id_reads_as_a_number(long id, string text) => ResponseMatch.Id(id).ToString().Should().Be(text);
}
