using SocketKit.Transports.Epoll;

namespace SocketKit.Tests.Transports.Epoll;

/// <summary>The probation of a connection whose dispatch held its loop.</summary>
[Trait("Fault", "X37")]
public class RegistrationTests
{
    private const int Probation = 1_000;

    [Fact]
    public void It_ends_with_a_thousand_short_dispatches_in_a_row()
    {
        var registration = new Registered();
        registration.IsOnProbation.Should().BeFalse();
        registration.Convict().Should().BeTrue();
        registration.Convict().Should().BeFalse("it is on probation already");

        Note(registration, Probation - 1, blocked: false);
        registration.IsOnProbation.Should().BeTrue();
        Note(registration, 1, blocked: false);
        registration.IsOnProbation.Should().BeFalse();

        Note(registration, 10, blocked: false);
        registration.IsOnProbation.Should().BeFalse();
        registration.Convict().Should().BeTrue();
    }

    [Fact]
    public void It_begins_anew_with_one_that_blocked()
    {
        var registration = new Registered();
        registration.Convict();
        Note(registration, Probation - 1, blocked: false);
        Note(registration, 1, blocked: true);

        Note(registration, Probation - 1, blocked: false);
        registration.IsOnProbation.Should().BeTrue();
        Note(registration, 1, blocked: false);
        registration.IsOnProbation.Should().BeFalse();
    }

    [Fact]
    public void What_runs_no_code_of_users_is_never_on_probation()
    {
        var registration = new Registered(runsUserCode: false);

        registration.Convict().Should().BeFalse();

        registration.IsOnProbation.Should().BeFalse();
    }

    private static void Note(Registered registration, int times, bool blocked)
    {
        for (var time = 0; time < times; time++)
        {
            registration.NoteDispatch(blocked);
        }
    }

    private sealed class Registered(bool runsUserCode = true) : Registration(loop: null!)
    {
        internal override bool RunsUserCode => runsUserCode;

        internal override void OnEvent(int directions)
        {
        }

        internal override void OnEscaped(Exception exception)
        {
        }
    }
}
