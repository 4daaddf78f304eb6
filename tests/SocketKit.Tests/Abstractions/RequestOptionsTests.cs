namespace SocketKit.Tests.Abstractions;

public class RequestOptionsTests
{
    [Fact]
    public void By_default_a_request_is_answered_in_order_and_within_the_connections_time_out()
    {
        RequestOptions options = default;
        options.CorrelationId.Should().BeNull();
        options.Timeout.Should().BeNull();
        options.Should().Be(new RequestOptions { Timeout = null });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-2)]
    [InlineData(int.MaxValue + 1L)]
    public void The_time_out_is_checked(long milliseconds) =>
        FluentActions.Invoking(() => new RequestOptions { Timeout = TimeSpan.FromMilliseconds(milliseconds) }).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("Timeout");

    [Fact]
    public void The_longest_time_out_is_that_of_the_connections_option() =>
        new RequestOptions { Timeout = TimeSpan.FromMilliseconds(int.MaxValue) }.Timeout.Should().Be(TimeSpan.FromMilliseconds(int.MaxValue));

    [Fact]
    public void A_request_may_wait_for_ever() =>
        new RequestOptions { Timeout = Timeout.InfiniteTimeSpan }.Timeout.Should().Be(Timeout.InfiniteTimeSpan);
}
