using System.Net;
using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports;

/// <summary>A user's own socket over a connection.</summary>
public class SocketViewTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Fault", "X42")]
    public async Task There_is_none_of_a_connection_that_is_gone(bool aborted)
    {
        var (left, right) = await ConnectAsync();
        await using var other = right;
        if (aborted)
        {
            left.Abort();
            Refuses(left);
        }

        await left.DisposeAsync();
        Refuses(left);

        // Somebody else has its number by now.
        var (newLeft, newRight) = await ConnectAsync();
        Refuses(left);
        await newLeft.DisposeAsync();
        await newRight.DisposeAsync();
    }

    [UnixTheory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Fault", "X42")]
    public async Task One_that_is_kept_past_the_end_never_reaches_another_connection_and_holds_up_nothing(bool aborted)
    {
        var (left, right) = await ConnectAsync();
        using var view = left.CreateSocketView()!;
        var number = view.Handle;
        view.Blocking = false;
        if (aborted)
        {
            left.Abort();
        }

        await left.DisposeAsync();

        // The peer sees the end although the view is there.
        try
        {
            (await right.ReceiveAsync(new byte[10]).AsTask().WaitAsync(Patience)).Count.Should().Be(0);
            aborted.Should().BeFalse();
        }
        catch (SocketException exception)
        {
            exception.SocketErrorCode.Should().Be(SocketError.ConnectionReset);
            aborted.Should().BeTrue();
        }

        await right.DisposeAsync();
        for (var i = 0; i < 20; i++)
        {
            var (newLeft, newRight) = await ConnectAsync();
            foreach (var transport in new[] { newLeft, newRight })
            {
                using var another = transport.CreateSocketView()!;
                another.Handle.Should().NotBe(number);
            }

            var send = () => view.Send("to whom?"u8);
            send.Should().Throw<SocketException>();
            newLeft.BytesUnread.Should().BeLessThanOrEqualTo(0);
            newRight.BytesUnread.Should().BeLessThanOrEqualTo(0);
            await newLeft.DisposeAsync();
            await newRight.DisposeAsync();
        }
    }

    [Fact]
    public async Task Options_are_those_of_the_connection_and_disposing_of_it_is_nothing_to_the_connection()
    {
        var (left, right) = await ConnectAsync();
        await using var both = left;
        await using var other = right;
        using (var view = left.CreateSocketView()!)
        {
            view.LocalEndPoint.Should().Be(left.LocalEndPoint);
            view.RemoteEndPoint.Should().Be(left.RemoteEndPoint);
            view.NoDelay = false;
        }

        using (var view = left.CreateSocketView()!)
        {
            view.NoDelay.Should().BeFalse();
        }

        for (var i = 0; i < 3; i++)
        {
            var receiving = left.ReceiveAsync(new byte[10]).AsTask();
            await right.SendAsync(new byte[3]);
            (await receiving.WaitAsync(Patience)).Count.Should().Be(3);
            await left.SendAsync(new byte[4]);
            (await right.ReceiveAsync(new byte[10]).AsTask().WaitAsync(Patience)).Count.Should().Be(4);
        }
    }

    [UnixFact]
    [Trait("Fault", "X42")]
    public async Task Beside_an_abort_there_is_one_of_the_connection_or_none()
    {
        for (var round = 0; round < 200; round++)
        {
            var (left, right) = await ConnectAsync();
            var asking = Task.Run(() =>
            {
                while (true)
                {
                    try
                    {
                        using var view = left.CreateSocketView()!;
                        view.SocketType.Should().Be(SocketType.Stream);
                        view.AddressFamily.Should().Be(AddressFamily.InterNetwork);
                    }
                    catch (SocketException)
                    {
                        return;
                    }
                }
            });
            await Task.Run(left.Abort);
            await left.DisposeAsync();
            await asking.WaitAsync(Patience);
            await right.DisposeAsync();
        }
    }

    private static void Refuses(Transport transport)
    {
        var ask = transport.CreateSocketView;
        ask.Should().Throw<SocketException>().Which.Message.Should().Contain("closed");
    }

    private static async Task<(Transport Left, Transport Right)> ConnectAsync()
    {
        await using var listener = TestEngine.Listen("127.0.0.1", 0);
        await listener.BindAsync(new(), CancellationToken.None);
        var accept = listener.AcceptAsync().AsTask();
        var left = await TestEngine.Dial((IPEndPoint)listener.EndPoint).DialAsync(new(), CancellationToken.None);
        return (left, (await accept.WaitAsync(Patience))!);
    }
}
