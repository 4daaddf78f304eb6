using System.Net;
using DotNetty.Codecs;
using DotNetty.Transport.Bootstrapping;
using DotNetty.Transport.Channels;
using DotNetty.Transport.Channels.Sockets;

namespace SocketKit.Load.Serving;

/// <summary>DotNetty with its own length codecs: a write for each message, one flush when a read is complete.</summary>
internal sealed class DotNettyServer : IMeasuredServer
{
    /// <summary>Now and then the shutdown of one of its loops spins and never completes. Nobody waits longer than this.</summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(10);

    private readonly IEventLoopGroup _acceptors;
    private readonly IEventLoopGroup _workers;
    private readonly IChannel _listener;

    private DotNettyServer(IEventLoopGroup acceptors, IEventLoopGroup workers, IChannel listener)
    {
        _acceptors = acceptors;
        _workers = workers;
        _listener = listener;
    }

    public int Port => ((IPEndPoint)_listener.LocalAddress).Port;

    public static async Task<IMeasuredServer> StartAsync(int port)
    {
        IEventLoopGroup acceptors = new MultithreadEventLoopGroup(1);
        IEventLoopGroup workers = new MultithreadEventLoopGroup();
        var listener = await new ServerBootstrap()
            .Group(acceptors, workers)
            .Channel<TcpServerSocketChannel>()
            .Option(ChannelOption.SoBacklog, 4096)
            .ChildOption(ChannelOption.TcpNodelay, true)
            .ChildHandler(new ActionChannelInitializer<IChannel>(channel => channel.Pipeline.AddLast(
                new LengthFieldBasedFrameDecoder(ServeOptions.MaxFrameLength + 4, 0, 4, 0, 4),
                new LengthFieldPrepender(4),
                new Echo())))
            .BindAsync(new IPEndPoint(IPAddress.Loopback, port));
        return new DotNettyServer(acceptors, workers, listener);
    }

    public async ValueTask DisposeAsync()
    {
        await _listener.CloseAsync();
        var shutdown = Task.WhenAll(
            _acceptors.ShutdownGracefullyAsync(TimeSpan.Zero, TimeSpan.FromSeconds(5)),
            _workers.ShutdownGracefullyAsync(TimeSpan.Zero, TimeSpan.FromSeconds(5)));
        try
        {
            await shutdown.WaitAsync(ShutdownTimeout);
        }
        catch (TimeoutException)
        {
            await Console.Error.WriteLineAsync($"DotNetty has not shut down within {ShutdownTimeout.TotalSeconds:F0} s");
        }
    }

    private sealed class Echo : ChannelHandlerAdapter
    {
        // The decoder hands over a buffer with a reference of its own; writing it gives that up.
        public override void ChannelRead(IChannelHandlerContext context, object message) => context.WriteAsync(message);

        public override void ChannelReadComplete(IChannelHandlerContext context) => context.Flush();

        public override void ExceptionCaught(IChannelHandlerContext context, Exception exception) => context.CloseAsync();
    }
}
