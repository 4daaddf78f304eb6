using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.DependencyInjection;
using SocketKit.AspNetCore.Connections;
using SocketKit.AspNetCore.Tests.TestDoubles;

namespace SocketKit.AspNetCore.Tests.Pipes;

/// <summary>A connection's two pipe ends together: each byte that comes is a request, and its answer is flushed.</summary>
public class HeldBackFlushTests
{
    private readonly ScriptedTransport _wire = new();
    private readonly TransportConnection _connection;

    public HeldBackFlushTests()
    {
        var services = new ServiceCollection();
        services.AddSocketKitTransport();
        _connection = new TransportConnection(_wire, services.BuildServiceProvider().GetRequiredService<TransportSettings>());
    }

    [Fact]
    public void The_answers_to_requests_that_came_together_leave_as_one()
    {
        var serving = ServeAsync(_ => Task.CompletedTask);

        _wire.Arrive(1, 2, 3, 4);
        (_wire.Sends, _wire.Sent.Count).Should().Be((1, 4));
        _wire.Arrive(5);

        (_wire.Sends, _wire.Sent.Count).Should().Be((2, 5));
        serving.IsCompleted.Should().BeFalse();
    }

    [Fact]
    public async Task An_answer_does_not_wait_for_a_request_that_takes_its_time()
    {
        var slow = new TaskCompletionSource();
        var serving = ServeAsync(request => request == 3 ? slow.Task : Task.CompletedTask);

        _wire.Arrive(1, 2, 3, 4);
        _wire.Sent.Should().Equal([1, 2], "the continuation has returned with the third one under way");
        _wire.Sends.Should().Be(1);

        await Task.Run(slow.SetResult);
        SpinWait.SpinUntil(() => _wire.IsReceiving && _wire.BytesSent == 4, Bytes.Bound).Should().BeTrue();
        _wire.Sent.Should().Equal(1, 2, 3, 4);
        serving.IsCompleted.Should().BeFalse();
    }

    private async Task ServeAsync(Func<byte, Task> handler)
    {
        PipeReader input = _connection.Transport.Input;
        PipeWriter output = _connection.Transport.Output;
        while (true)
        {
            var read = await input.ReadAsync().ConfigureAwait(false);
            var request = read.Buffer.FirstSpan[0];
            input.AdvanceTo(read.Buffer.GetPosition(1));
            await handler(request).ConfigureAwait(false);
            output.Write<byte>([request]);
            await output.FlushAsync().ConfigureAwait(false);
        }
    }
}
