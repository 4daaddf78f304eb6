using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Connections;

/// <summary>Connections on a transport that preserves message boundaries.</summary>
public class MessageBatchTests
{
    [Fact]
    public async Task Messages_that_are_there_are_one_batch_with_one_flush()
    {
        await using var bed = new MessageBed();
        await bed.StartAsync((connection, message) => connection.SendAsync(message));
        var peer = await bed.ConnectAsync();

        bed.Send(peer, "a", "bc", "", "d");

        bed.Batches.Should().ContainSingle().Which.Should().Equal(1, 3, 3, 4);
        (await MessageBed.ReceiveAsync(peer, 4)).Should().Equal("a", "bc", "", "d");
    }

    [Fact]
    public async Task A_handler_that_awaits_sends_what_it_has_and_the_rest_follows_in_order()
    {
        await using var bed = new MessageBed();
        var gate = new TaskCompletionSource();
        await bed.StartAsync(async (connection, message) =>
        {
            if (message.Span.SequenceEqual("wait"u8))
            {
                await gate.Task;
                await connection.SendAsync("waited");
                return;
            }

            await connection.SendAsync(message);
        });
        var peer = await bed.ConnectAsync();

        bed.Send(peer, "a", "b", "wait", "c", "");
        (await MessageBed.ReceiveAsync(peer, 2)).Should().Equal("a", "b");
        bed.Network.Run(gate.SetResult);

        (await MessageBed.ReceiveAsync(peer, 3)).Should().Equal("waited", "c", "");
        bed.Batches.Should().HaveCount(3, "the mailbox is worked off as one batch, too");
    }

    [Fact]
    public async Task Replies_of_a_batch_go_out_before_the_end_of_a_connection_that_closes_in_it()
    {
        await using var bed = new MessageBed();
        await bed.StartAsync(async (connection, message) =>
        {
            await connection.SendAsync(message);
            if (message.Span.SequenceEqual("bye"u8))
            {
                await connection.CloseAsync();
            }
        });
        var peer = await bed.ConnectAsync();

        bed.Send(peer, "a", "bye", "late");

        (await MessageBed.ReceiveAsync(peer, 2)).Should().Equal("a", "bye");
        (await peer.ReceiveAsync(new byte[10]).AsTask().WaitAsync(TestBed.Patience)).Should().Be(default(ReceiveResult));
    }

    [Fact]
    public async Task Replies_to_what_a_peer_sent_before_its_end_go_out()
    {
        await using var bed = new MessageBed();
        await bed.StartAsync((connection, message) => connection.SendAsync(message));
        var peer = await bed.ConnectAsync();

        bed.Network.Run(() =>
        {
            _ = peer.SendAsync("a"u8.ToArray()).AsTask();
            _ = peer.SendAsync("b"u8.ToArray()).AsTask();
            _ = peer.CompleteOutputAsync().AsTask();
        });

        (await MessageBed.ReceiveAsync(peer, 2)).Should().Equal("a", "b");
        (await peer.ReceiveAsync(new byte[10]).AsTask().WaitAsync(TestBed.Patience)).Should().Be(default(ReceiveResult));
    }

    [Fact]
    public async Task What_a_handler_sent_before_another_one_threw_goes_out()
    {
        await using var bed = new MessageBed();
        await bed.StartAsync((connection, message) => message.Span.SequenceEqual("bad"u8) ? throw new InvalidOperationException("bad") : connection.SendAsync(message));
        var peer = await bed.ConnectAsync();

        bed.Send(peer, "a", "bad", "b");

        (await MessageBed.ReceiveAsync(peer, 1)).Should().Equal("a");
        (await peer.ReceiveAsync(new byte[10]).AsTask().WaitAsync(TestBed.Patience)).Should().Be(default(ReceiveResult));
    }

    [Fact]
    public async Task A_batch_that_never_ends_is_flushed_at_the_end_of_each_turn()
    {
        await using var bed = new MessageBed();
        await bed.StartAsync((connection, message) => connection.SendAsync(message));
        var peer = await bed.ConnectAsync();

        bed.Send(peer, [.. Enumerable.Range(0, 40).Select(i => $"{i}")]);

        (await MessageBed.ReceiveAsync(peer, 40)).Should().Equal(Enumerable.Range(0, 40).Select(i => $"{i}"));
        bed.Batches.Count.Should().BeInRange(2, 4);
    }

    [Fact]
    public async Task An_empty_message_waits_its_turn_in_a_full_mailbox()
    {
        await using var bed = new MessageBed();
        var gate = new TaskCompletionSource();
        var seen = new List<string>();
        await bed.StartAsync(async (_, message) =>
        {
            seen.Add(Encoding.UTF8.GetString(message.Span));
            await gate.Task;
        });
        var peer = await bed.ConnectAsync();
        var sent = Enumerable.Range(0, 300).Select(i => i % 3 == 0 ? "" : $"{i}").ToArray();

        bed.Send(peer, sent);
        seen.Should().ContainSingle();
        bed.Network.Run(gate.SetResult);

        seen.Should().Equal(sent);
    }

    [Fact]
    public async Task An_empty_message_is_nothing_to_a_framer_that_finds_no_frame_in_it()
    {
        await using var bed = new MessageBed();
        await bed.StartAsync((connection, message) => connection.SendAsync(message), options => options.Framer = Framers.Lines());
        var peer = await bed.ConnectAsync();

        bed.Send(peer, "", "a\nb\n", "", "c\n");

        (await MessageBed.ReceiveAsync(peer, 3)).Should().Equal("a\n", "b\n", "c\n");
    }

    [Fact]
    public async Task An_empty_message_answers_a_request_and_counts_as_received()
    {
        await using var bed = new MessageBed();
        Task<Message>? answer = null;
        await bed.StartAsync((connection, message) =>
        {
            answer = connection.RequestAsync("what?").AsTask();
            return default;
        });
        var peer = await bed.ConnectAsync();
        bed.Send(peer, "ask");
        (await MessageBed.ReceiveAsync(peer, 1)).Should().Equal("what?");

        bed.Send(peer, "");

        using var response = await answer!.WaitAsync(TestBed.Patience);
        response.Memory.Length.Should().Be(0);
    }

    [Fact]
    public async Task What_a_transport_is_like_is_read_when_it_is_open()
    {
        var network = new InMemoryNetwork();
        var listener = new UpgradedListener(network.ListenMessages("server"));
        await using var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { listener },
            Framer = Framers.Raw(),
            HandlerFactory = Handlers.OnMessage((connection, message) => connection.SendAsync(message)),
        });
        await server.StartAsync();
        await using var peer = await network.ConnectAsync("server");

        await peer.SendAsync("ab"u8.ToArray());
        await peer.SendAsync(default);

        (await MessageBed.ReceiveAsync(peer, 2)).Should().Equal("ab", "");
        listener.AskedTooEarly.Should().BeFalse();
    }

    [Fact]
    public async Task A_broadcast_is_one_message_to_each()
    {
        await using var bed = new MessageBed();
        await bed.StartAsync((connection, message) => connection.SendAsync(message));
        var first = await bed.ConnectAsync();
        var second = await bed.ConnectAsync();
        bed.Send(first, "hello");
        bed.Send(second, "hello");
        await MessageBed.ReceiveAsync(first, 1);
        await MessageBed.ReceiveAsync(second, 1);

        (await bed.Server.BroadcastAsync("news"u8.ToArray())).Should().Be(2);

        (await MessageBed.ReceiveAsync(first, 1)).Should().Equal("news");
        (await MessageBed.ReceiveAsync(second, 1)).Should().Equal("news");
    }

    /// <summary>A server on a network that preserves message boundaries, and the batches that its connections send.</summary>
    private sealed class MessageBed : IAsyncDisposable
    {
        private readonly List<Transport> _peers = [];

        public InMemoryNetwork Network { get; } = new();

        public SocketServer Server { get; private set; } = null!;

        /// <summary>Where the messages of each batch end.</summary>
        public List<int[]> Batches { get; } = [];

        public async Task StartAsync(Func<IConnection, ReadOnlyMemory<byte>, ValueTask> onMessage, Action<SocketServerOptions>? configure = null)
        {
            var options = new SocketServerOptions
            {
                Listeners = { new NotingListener(Network.ListenMessages("server"), Batches) },
                Framer = Framers.Raw(),
                HandlerFactory = Handlers.OnMessage(onMessage),
            };
            configure?.Invoke(options);
            Server = new SocketServer(options);
            await Server.StartAsync();
        }

        public async Task<Transport> ConnectAsync()
        {
            var peer = await Network.ConnectAsync("server");
            Network.Settle();
            _peers.Add(peer);
            return peer;
        }

        /// <summary>Sends messages that are all there when the server looks.</summary>
        public void Send(Transport peer, params string[] messages) => Network.Run(() =>
        {
            foreach (var message in messages)
            {
                peer.SendAsync(Encoding.UTF8.GetBytes(message)).IsCompletedSuccessfully.Should().BeTrue();
            }
        });

        public static async Task<string[]> ReceiveAsync(Transport peer, int count)
        {
            var messages = new string[count];
            var buffer = new byte[4096];
            for (var i = 0; i < count; i++)
            {
                var received = await peer.ReceiveAsync(buffer).AsTask().WaitAsync(TestBed.Patience);
                received.EndOfMessage.Should().BeTrue();
                messages[i] = Encoding.UTF8.GetString(buffer, 0, received.Count);
            }

            return messages;
        }

        public async ValueTask DisposeAsync()
        {
            await Server.StopAsync(new CancellationToken(canceled: true)).WaitAsync(TestBed.Patience);
            foreach (var peer in _peers)
            {
                await peer.DisposeAsync();
            }
        }
    }

    private sealed class NotingListener(Listener inner, List<int[]> batches) : DelegatingListener(inner)
    {
        public override async ValueTask<Transport?> AcceptAsync() => await base.AcceptAsync().ConfigureAwait(false) is { } accepted ? new NotingTransport(accepted, batches) : null;
    }

    private sealed class NotingTransport(Transport inner, List<int[]> batches) : DelegatingTransport(inner)
    {
        public override ValueTask SendAsync(ReadOnlyMemory<byte> batch, ReadOnlyMemory<int> messageEnds)
        {
            batches.Add(messageEnds.ToArray());
            return base.SendAsync(batch, messageEnds);
        }
    }

    private sealed class UpgradedListener(Listener inner) : DelegatingListener(inner)
    {
        public bool AskedTooEarly { get; set; }

        public override async ValueTask<Transport?> AcceptAsync() => await base.AcceptAsync().ConfigureAwait(false) is { } accepted ? new UpgradedTransport(accepted, this) : null;
    }

    /// <summary>Preserves message boundaries once it is open, and not before.</summary>
    private sealed class UpgradedTransport(Transport inner, UpgradedListener listener) : DelegatingTransport(inner)
    {
        private bool _open;

        public override bool PreservesMessageBoundaries
        {
            get
            {
                listener.AskedTooEarly |= !_open;
                return _open && base.PreservesMessageBoundaries;
            }
        }

        public override async ValueTask OpenAsync(CancellationToken cancellationToken)
        {
            await base.OpenAsync(cancellationToken).ConfigureAwait(false);
            _open = true;
        }
    }
}
