using SocketKit.AspNetCore.Pipes;

namespace SocketKit.AspNetCore.Tests.Pipes;

public class ReceiveStepsTests
{
    private ReceiveSteps _steps;

    [Fact]
    public void A_wait_comes_first_and_a_receive_follows_it()
    {
        _steps.Now.Should().Be(ReceiveStep.None);
        _steps.Choose().Should().Be(ReceiveStep.Wait);
        _steps.Note(readable: true);

        _steps.Choose().Should().Be(ReceiveStep.Receive);
        _steps.Now.Should().Be(ReceiveStep.Receive);
    }

    [Theory]
    [InlineData(true, ReceiveStep.Receive)]
    [InlineData(false, ReceiveStep.Wait)]
    public void Behind_a_receive_only_a_full_buffer_means_that_there_is_more(bool full, object next)
    {
        _steps.Note(readable: true);
        _steps.Choose();

        _steps.Note(readable: full);

        _steps.Choose().Should().Be((ReceiveStep)next);
    }

    [Fact]
    public void What_became_readable_is_received_by_the_next_operation()
    {
        _steps.Choose();
        _steps.Note(readable: true);
        _steps.Stop();
        _steps.Now.Should().Be(ReceiveStep.None);

        _steps.Choose().Should().Be(ReceiveStep.Receive);
    }

    [Fact]
    public void After_16_that_never_waited_others_have_a_turn_and_then_it_goes_on()
    {
        _steps.Note(readable: true);
        for (var i = 0; i < 16; i++)
        {
            _steps.Choose().Should().Be(ReceiveStep.Receive);
            _steps.Count();
        }

        _steps.Choose().Should().Be(ReceiveStep.Yield);
        _steps.Choose().Should().Be(ReceiveStep.Receive);
    }

    [Fact]
    public void One_that_waited_begins_the_count_anew()
    {
        for (var i = 0; i < 31; i++)
        {
            _steps.Choose().Should().Be(ReceiveStep.Wait);
            if (i == 15)
            {
                _steps.Rest();
            }
            else
            {
                _steps.Count();
            }
        }

        _steps.Choose().Should().Be(ReceiveStep.Wait);
        _steps.Count();
        _steps.Choose().Should().Be(ReceiveStep.Yield);
    }
}
