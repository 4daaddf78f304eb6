namespace SocketKit.Transports.Epoll;

/// <summary>A turn in a loop's run queue.</summary>
internal interface ILoopItem
{
    /// <summary>Whose turn it is.</summary>
    Registration Owner { get; }

    /// <summary>Runs user code.</summary>
    void Run();
}
