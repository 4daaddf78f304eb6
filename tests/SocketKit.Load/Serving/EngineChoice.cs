namespace SocketKit.Load.Serving;

/// <summary>What <c>--engine</c> means to the library. Nothing else in this tool names an engine of it.</summary>
internal static class EngineChoice
{
    public static readonly string[] Names = ["auto", "epoll", "sockets"];

    /// <summary>Why this engine cannot be had here, or null when it can.</summary>
    public static string? Missing(string engine)
    {
        try
        {
            _ = Listen(engine, 0);
            return null;
        }
        catch (PlatformNotSupportedException exception)
        {
            return exception.Message;
        }
    }

    /// <summary>If it can be had here; when not, a line says why.</summary>
    public static bool IsPresent(string engine)
    {
        if (Missing(engine) is not { } missing)
        {
            return true;
        }

        Console.WriteLine($"{engine} is left out: {missing}");
        return false;
    }

    public static Listener Listen(string engine, int port) =>
        SocketKit.Listen.Tcp("127.0.0.1", port, new TcpListenOptions { Engine = Of(engine) });

    public static SocketEngine Of(string engine) => Enum.Parse<SocketEngine>(engine, ignoreCase: true);
}
