using SocketKit.Diagnostics;

namespace SocketKit.Tests.Diagnostics;

/// <summary>An application's exception may quote what a peer has sent.</summary>
[Trait("Fault", "X59")]
public class LoggedExceptionTests
{
    [Fact]
    public void What_can_stand_in_a_log_stays_the_exception_that_it_is()
    {
        var inner = new IOException("the disk is full");
        var exception = new InvalidOperationException("cannot save C:\\data", inner);

        LoggedException.Of(exception).Should().BeSameAs(exception);
        LoggedException.Of(new AggregateException("several", inner, exception))!.Should().BeOfType<AggregateException>();
        LoggedException.Of(null).Should().BeNull();
    }

    [Theory]
    [InlineData("bad\nWarning: all is well")]
    [InlineData("bad\r\u001b[2J")]
    [InlineData("bad\u202e")]
    [InlineData("bad\u2028line")]
    public void No_message_in_it_forges_a_line(string message)
    {
        foreach (var exception in new Exception[] { Thrown(message), new InvalidOperationException("outer", Thrown(message)), new AggregateException("several", new IOException("good"), Thrown(message)) })
        {
            var logged = LoggedException.Of(exception)!;

            logged.InnerException.Should().BeNull();
            logged.Message.Should().StartWith(exception.GetType().Name);
            logged.ToString().Should().Contain(nameof(FormatException)).And.Contain("\\u").And.NotContain(message).And.Contain(nameof(Thrown), "the stack is there");
            logged.ToString().Split('\n').Should().OnlyContain(line => !line.StartsWith("Warning", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_long_message_is_cut()
    {
        var quoted = new string('a', 1_000_000);
        foreach (var exception in new Exception[] { Thrown(quoted), new InvalidOperationException("outer", Thrown(quoted)) })
        {
            var logged = LoggedException.Of(exception)!;

            logged.ToString().Length.Should().BeLessThan(5_000);
            logged.ToString().Should().Contain("... (1000000 characters)").And.Contain(nameof(Thrown));
        }

        var whole = Thrown(new string('a', 1_000));
        LoggedException.Of(whole).Should().BeSameAs(whole);
    }

    private static FormatException Thrown(string message)
    {
        try
        {
            throw new FormatException(message);
        }
        catch (FormatException exception)
        {
            return exception;
        }
    }
}
