using Microsoft.Extensions.Logging;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

/// <summary>The messages of a client without a handler, as a stream.</summary>
public class ClientMessagesTests
{
    private static readonly InMemoryEndPoint Address = new(TestBed.Address);

    [Fact]
    public async Task Until_somebody_enumerates_the_newest_256_are_kept_and_the_loss_is_logged_once()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();
        for (var i = 0; i < 300; i++)
        {
            await bed.Session.Connection.SendAsync($"{i}");
        }

        bed.Logs.GetSnapshot().Should().ContainSingle(line => line.Level == LogLevel.Warning).Which.Message.Should().Contain("Nobody reads the client's Messages");
        (await ReadAsync(client, 256)).Should().Equal(Enumerable.Range(44, 256).Select(number => $"{number}"));

        // The consumer has left: a new episode.
        for (var i = 0; i < 300; i++)
        {
            await bed.Session.Connection.SendAsync($"{i}");
        }

        bed.Logs.GetSnapshot().Count(line => line.Level == LogLevel.Warning).Should().Be(2);
    }

    [Fact]
    public async Task And_at_most_256_KiB_a_larger_one_alone()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();
        for (var i = 0; i < 10; i++)
        {
            await bed.Session.Connection.SendAsync(new string((char)('a' + i), 60_000));
        }

        await bed.Session.Connection.SendAsync("end");
        (await ReadAsync(client, 5)).Select(text => text[0]).Should().Equal('g', 'h', 'i', 'j', 'e');

        await bed.Session.Connection.SendAsync("small");
        await bed.Session.Connection.SendAsync(new string('x', 500_000));
        (await ReadAsync(client, 1)).Single().Should().HaveLength(500_000);
    }

    [Fact]
    public async Task Once_enumerated_a_full_stream_holds_the_reading_back_and_nothing_is_lost()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var client = await bed.ConnectAsync();
        await using var reader = client.Messages.GetAsyncEnumerator();
        var first = reader.MoveNextAsync().AsTask();
        var sending = bed.Session.Connection.SendAsync(new byte[1]);
        await first.Soon();
        reader.Current.Dispose();
        var sends = Task.Run(async () =>
        {
            for (var i = 0; i < 40_000; i++)
            {
                await bed.Session.Connection.SendAsync($"{i}");
            }
        });
        await sending;
        await Task.Yield();

        for (var i = 0; i < 40_000; i++)
        {
            (await reader.MoveNextAsync().AsTask().Soon()).Should().BeTrue();
            using var message = reader.Current;
            message.ToString().Should().Be($"{i}");
        }

        await sends.Soon();
        bed.Logs.GetSnapshot().Should().NotContain(line => line.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task The_hold_reaches_the_wire()
    {
        await using var bed = await new TestBed(capacity: 1024).StartAsync();
        await using var client = await bed.ConnectAsync();
        await using var reader = client.Messages.GetAsyncEnumerator();
        var first = reader.MoveNextAsync().AsTask();
        await bed.Session.Connection.SendAsync("first");
        await first.Soon();

        bed.Network.Run(() => { _ = bed.Session.Connection.SendAsync(new string('x', 900_000)).AsTask(); });
        bed.Network.Run(() => { _ = bed.Session.Connection.SendAsync("behind").AsTask(); });
        for (var i = 0; i < 2; i++)
        {
            (await reader.MoveNextAsync().AsTask().Soon()).Should().BeTrue();
        }

        reader.Current.ToString().Should().Be("behind");
    }

    [Fact]
    public async Task It_has_one_consumer_at_a_time()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();
        await using var first = client.Messages.GetAsyncEnumerator();
        var waiting = first.MoveNextAsync().AsTask();
        await using var second = client.Messages.GetAsyncEnumerator();
        var take = () => second.MoveNextAsync().AsTask();

        (await take.Should().ThrowAsync<InvalidOperationException>()).Which.Message.Should().Contain("one consumer");

        await bed.Session.Connection.SendAsync("x");
        (await waiting.Soon()).Should().BeTrue();
    }

    [Fact]
    public async Task It_lives_across_reconnects_and_ends_with_the_client()
    {
        await using var bed = await new TestBed().StartAsync();
        var client = await bed.ConnectAsync(options => options.Reconnect = new ScriptedReconnect(0.5));
        await bed.Session.Connection.SendAsync("before");
        bed.Network.Reset(Address);
        bed.Advance(0.5);
        await bed.Sessions.Last().Connection.SendAsync("after");
        await client.DisposeAsync();

        var all = new List<string>();
        await foreach (var message in client.Messages)
        {
            all.Add(message.ToString());
            message.Dispose();
        }

        all.Should().Equal("before", "after");
    }

    [Fact]
    public async Task Cancelling_ends_the_enumeration_and_loses_nothing()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync();
        using var cancel = new CancellationTokenSource();
        await using (var reader = client.Messages.GetAsyncEnumerator(cancel.Token))
        {
            var waiting = reader.MoveNextAsync().AsTask();
            cancel.Cancel();
            await waiting.Invoking(task => task.Soon()).Should().ThrowAsync<OperationCanceledException>();
        }

        await bed.Session.Connection.SendAsync("kept");
        (await ReadAsync(client, 1)).Should().Equal("kept");
    }

    [Fact]
    public async Task A_client_with_a_handler_has_none()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var client = await bed.ConnectAsync(options => options.HandlerFactory = Handlers.OnText((_, _) => default));

        client.Invoking(with => with.Messages).Should().Throw<InvalidOperationException>().WithMessage("*ConnectionOptions.HandlerFactory*");
    }

    private static async Task<List<string>> ReadAsync(SocketClient client, int count)
    {
        var texts = new List<string>();
        await using var reader = client.Messages.GetAsyncEnumerator();
        while (texts.Count < count)
        {
            (await reader.MoveNextAsync().AsTask().Soon()).Should().BeTrue();
            texts.Add(reader.Current.ToString());
            reader.Current.Dispose();
        }

        return texts;
    }
}
