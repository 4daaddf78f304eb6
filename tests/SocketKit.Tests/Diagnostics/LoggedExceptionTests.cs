using System.Runtime.ExceptionServices;
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

    [Fact]
    public void Other_texts_of_an_exception_forge_no_line_either()
    {
        var exception = new FileNotFoundException("no such document", "x'\n   at Foo()\ncrit: Bank.Audit[7]\n      root logged in");

        var logged = LoggedException.Of(exception)!;

        logged.ToString().Should().Contain("no such document").And.NotContain("crit:").And.NotContain("root");
        LoggedException.Of(new Talkative())!.ToString().Should().NotContain("forged");
    }

    [Theory]
    [InlineData("--- End of day. [Error] 1 admin logged in")]
    [InlineData(" ---> System.Exception: root logged in")]
    [InlineData("   --- End of inner exception stack trace ---\n[Error] root logged in")]
    [InlineData("   at Bank.Audit() root logged in")]
    public void A_text_of_its_own_cannot_pass_for_a_line_of_the_runtimes(string text)
    {
        foreach (var exception in new Exception[] { new OwnText(text), new InvalidOperationException("outer", new OwnText(text)) })
        {
            var logged = LoggedException.Of(exception)!;

            logged.Should().BeOfType<LoggedException>();
            logged.ToString().Should().NotContain("logged in");
        }
    }

    [Fact]
    public void A_stack_of_its_own_cannot_pass_for_the_end_of_the_runtimes()
    {
        const string forged = "--- End of day. [Error] 1 admin logged in";

        var logged = LoggedException.Of(new OwnStack(forged))!;

        logged.ToString().Split('\n').Should().Contain(line => line.StartsWith("   at " + forged, StringComparison.Ordinal));
    }

    [Fact]
    public void An_exception_of_the_programs_own_stays_with_all_that_is_inside()
    {
        var exception = Caught(() => throw new OwnKind("outer", Caught(() => throw new OwnKind("inner", Thrown("good")))));

        LoggedException.Of(exception).Should().BeSameAs(exception);
    }

    [Fact]
    public void Deep_stacks_and_many_exceptions_are_cut()
    {
        Exception deep;
        try
        {
            Descend(3_000);
            throw new InvalidOperationException("it returned");
        }
        catch (FormatException exception)
        {
            deep = exception;
        }

        LoggedException.Of(deep)!.ToString().Length.Should().BeLessThan(40_000);
        LoggedException.Of(new AggregateException(Enumerable.Range(0, 20_000).Select(_ => new IOException("one of many"))))!.ToString().Length.Should().BeLessThan(40_000);
    }

    // What carries its peers' stacks: a remote call over a connection, say.
    [Theory]
    [InlineData("x\r\n2026-12-01 crit: root logged in\u001b[2J\u202e")]
    [InlineData("---\u00a02026-12-01 crit: root logged in")]
    public void A_stack_of_somebody_elses_forges_no_line_and_is_cut(string stack)
    {
        var outer = (InvalidOperationException)ExceptionDispatchInfo.SetRemoteStackTrace(new InvalidOperationException("call failed"), stack);
        var exceptions = new Exception[] { outer, new IOException("outer", outer), new OwnStack(stack), new OwnText(stack) };
        foreach (var exception in exceptions)
        {
            var logged = LoggedException.Of(exception)!;

            logged.Should().NotBeSameAs(exception);
            logged.ToString().Should().NotContain("\u001b").And.NotContain("\u202e");
            logged.ToString().Split('\n').Skip(1).Where(line => line.Trim().Length > 0)
                .Should().NotContain(line => !line.StartsWith("   at ", StringComparison.Ordinal) && !line.StartsWith(" ---> ", StringComparison.Ordinal) && !line.StartsWith("--- End of ", StringComparison.Ordinal));
        }

        var endless = ExceptionDispatchInfo.SetRemoteStackTrace(new InvalidOperationException("call failed"), new string('A', 1_000_000));
        LoggedException.Of(endless)!.ToString().Length.Should().BeLessThan(20_000);
        LoggedException.Of(new OwnStack(new string('A', 1_000_000)))!.ToString().Length.Should().BeLessThan(20_000);
    }

    [Fact]
    public void A_stack_that_the_runtime_has_carried_on_stays_as_it_is()
    {
        var caught = ExceptionDispatchInfo.Capture(Thrown("good"));
        var again = FluentActions.Invoking(caught.Throw).Should().Throw<FormatException>().Which;
        var own = FluentActions.Invoking(() => throw new OwnText("")).Should().Throw<OwnText>().Which;

        LoggedException.Of(again).Should().BeSameAs(again);
        LoggedException.Of(own).Should().BeSameAs(own);
    }

    [Fact]
    public void Exceptions_that_are_inside_of_several_others_are_looked_at_a_bounded_number_of_times()
    {
        var asked = 0;
        Exception many = new Counting(() => asked++);
        for (var level = 0; level < 7; level++)
        {
            many = new AggregateException("", Enumerable.Repeat(many, 10));
        }

        LoggedException.Of(many)!.ToString().Length.Should().BeLessThan(40_000);
        asked.Should().BeLessThan(3_000);
    }

    private sealed class OwnStack(string stack) : Exception("good")
    {
        public override string StackTrace => stack;
    }

    private sealed class OwnText(string text) : Exception("good")
    {
        public override string ToString() => text.Length == 0 ? base.ToString() : base.ToString() + "\n" + text;
    }

    private sealed class OwnKind(string message, Exception inner) : Exception(message, inner);

    private static OwnKind Caught(Action act)
    {
        try
        {
            act();
        }
        catch (OwnKind exception)
        {
            return exception;
        }

        throw new InvalidOperationException("Nothing was thrown");
    }

    private sealed class Counting(Action asked) : Exception
    {
        public override string Message
        {
            get
            {
                asked();
                return "";
            }
        }
    }

    private static int Descend(int depth) => depth == 0 ? throw new FormatException("deep") : 1 + Descend(depth - 1);

    private sealed class Talkative : Exception
    {
        public override string ToString() => "Talkative: well\nforged: line";
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
