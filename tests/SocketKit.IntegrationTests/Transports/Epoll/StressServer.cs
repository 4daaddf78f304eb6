using System.Net;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>
/// Echoes frames of 32 bytes. The first byte says what else it does: from other threads it pushes, closes or aborts, while it echoes.
/// </summary>
internal sealed class StressServer : IAsyncDisposable
{
    public const int Frame = 32;
    public const byte Echo = (byte)'e';
    public const byte Push = (byte)'p';
    public const byte Close = (byte)'c';
    public const byte Abort = (byte)'a';

    private static readonly byte[] Pushed = [Push, .. new byte[Frame - 1]];

    private StressServer(SocketServer server) => Server = server;

    public SocketServer Server { get; }

    public IPEndPoint EndPoint => (IPEndPoint)Server.EndPoints[0];

    public static async Task<StressServer> StartAsync(Ledger ledger)
    {
        var server = new SocketServer(new SocketServerOptions
        {
            Listeners = { TestEngine.Listen("127.0.0.1", 0) },
            Framer = Framers.FixedSize(Frame),
            HandlerFactory = _ => new Session(ledger),
        });
        await server.StartAsync();
        return new StressServer(server);
    }

    public async ValueTask DisposeAsync() => await Server.StopAsync(new CancellationToken(canceled: true));

    /// <summary>What happened.</summary>
    internal sealed class Ledger
    {
        private long _opened;
        private long _closed;
        private long _handled;

        public long Opened => Interlocked.Read(ref _opened);

        public long Closed => Interlocked.Read(ref _closed);

        public long Handled => Interlocked.Read(ref _handled);

        public void NoteOpened() => Interlocked.Increment(ref _opened);

        public void NoteClosed() => Interlocked.Increment(ref _closed);

        public void NoteHandled() => Interlocked.Increment(ref _handled);
    }

    private sealed class Session(Ledger ledger) : ConnectionHandler
    {
        public override ValueTask OnConnectedAsync(IConnection connection)
        {
            ledger.NoteOpened();
            return default;
        }

        public override ValueTask OnMessageAsync(IConnection connection, ReadOnlyMemory<byte> message)
        {
            ledger.NoteHandled();
            switch (message.Span[0])
            {
                case Push:
                    for (var i = 0; i < 3; i++)
                    {
                        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.TrySend(Pushed), connection, preferLocal: false);
                    }

                    break;
                case Close:
                    // Two at once, and pushes beside them.
                    for (var i = 0; i < 2; i++)
                    {
                        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.TrySend(Pushed), connection, preferLocal: false);
                        ThreadPool.UnsafeQueueUserWorkItem(static connection => _ = connection.CloseAsync("asked to").AsTask(), connection, preferLocal: false);
                    }

                    break;
                case Abort:
                    ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.TrySend(Pushed), connection, preferLocal: false);
                    ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.Abort(), connection, preferLocal: false);
                    break;
                default:
                    break;
            }

            return connection.SendAsync(message);
        }

        public override ValueTask OnClosedAsync(IConnection connection, CloseReason reason)
        {
            ledger.NoteClosed();
            return default;
        }
    }
}
