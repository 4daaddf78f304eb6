namespace SocketKit.Tests;

public class ExceptionsTests
{
    /// <summary>Those whose own base says more of them, and why.</summary>
    private static readonly Dictionary<Type, Type> Others = new()
    {
        [typeof(RequestTimeoutException)] = typeof(TimeoutException),
        [typeof(OptionsException)] = typeof(ArgumentException),
        [typeof(FramerCheckException)] = typeof(Exception),
    };

    [Fact]
    public void All_have_one_base_to_catch_but_for_those_whose_own_base_says_more()
    {
        var exceptions = typeof(SocketKitException).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(Exception))).ToArray();
        exceptions.Should().Contain(typeof(ConnectionClosedException)).And.Contain(Others.Keys);
        foreach (var exception in exceptions)
        {
            exception.Should().BeDerivedFrom(Others.GetValueOrDefault(exception, typeof(IOException)));
            (exception == typeof(SocketKitException) || exception.IsSubclassOf(typeof(SocketKitException)) || Others.ContainsKey(exception))
                .Should().BeTrue($"{exception.Name} has the common base");
        }
    }

    [Fact]
    public void An_exception_of_ones_own_may_have_the_base()
    {
        var inner = new ArithmeticException();
        new Own("busy", inner).Should().BeAssignableTo<IOException>().Which.InnerException.Should().BeSameAs(inner);
        new Own("busy").Message.Should().Be("busy");
    }

    private sealed class Own : SocketKitException
    {
        public Own(string message)
            : base(message)
        {
        }

        public Own(string message, Exception inner)
            : base(message, inner)
        {
        }
    }
}
