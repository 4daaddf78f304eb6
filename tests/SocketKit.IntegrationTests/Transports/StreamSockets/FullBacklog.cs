using System.Net;
using System.Net.Sockets;

namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>A loopback address that swallows connection requests: its listener accepts nothing and its backlog is full.</summary>
internal sealed class FullBacklog : IDisposable
{
    private readonly Socket _listener;
    private readonly List<Socket> _fillers = [];

    public FullBacklog(IPAddress address, int port = 0)
    {
        _listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(new IPEndPoint(address, port));
        _listener.Listen(0);
        EndPoint = (IPEndPoint)_listener.LocalEndPoint!;

        // One request per place; which of them the kernel keeps waiting is told by none being answered within 200 ms.
        for (var places = 0; places < 64; places++)
        {
            var filler = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            _fillers.Add(filler);
            var connecting = filler.ConnectAsync(EndPoint);
            if (!connecting.Wait(200))
            {
                // It fails when the filler is disposed of, and nobody awaits it.
                _ = connecting.ContinueWith(static failed => _ = failed.Exception, TaskScheduler.Default);
                return;
            }
        }

        throw new InvalidOperationException("The backlog does not fill");
    }

    public IPEndPoint EndPoint { get; }

    public void Dispose()
    {
        _fillers.ForEach(filler => filler.Dispose());
        _listener.Dispose();
    }
}

/// <summary>A fact that needs <see cref="FullBacklog"/>: Windows refuses instead of dropping.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FullBacklogFactAttribute : FactAttribute
{
    public FullBacklogFactAttribute()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip = "Windows refuses connections when a backlog is full, so nothing is black-holed";
        }
    }
}
