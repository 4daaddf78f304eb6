namespace SocketKit.Load.TlsClose;

/// <summary>How the victim's connections come to their end.</summary>
internal enum CloseCause
{
    /// <summary><see cref="IConnection.CloseAsync"/> from a thread that is not the connection's.</summary>
    Close,

    /// <summary>The client disconnects; the server stops, and drains.</summary>
    Disconnect,

    /// <summary>The client or the server is disposed of.</summary>
    Dispose,

    /// <summary>The peer sends a message at which the handler throws.</summary>
    HandlerFailed,

    /// <summary>The peer sends what is no frame.</summary>
    ProtocolError,

    /// <summary>The peer begins a frame that is too large.</summary>
    FrameTooLarge,

    /// <summary>The heartbeat policy refuses the peer.</summary>
    Refuse,

    /// <summary>The victim queues more than its limit: no graceful end.</summary>
    SlowConsumer,

    /// <summary>No graceful end.</summary>
    Abort,
}

/// <summary>What the two processes agree on.</summary>
internal static class CloseCauses
{
    /// <summary>What the peer's message begins with at which the victim ends the connection.</summary>
    public const byte HandlerFails = (byte)'H';
    public const byte NoFrame = (byte)'E';
    public const byte HugeFrame = (byte)'T';

    /// <summary>The victim says close_notify.</summary>
    public static bool IsGraceful(this CloseCause cause) => cause is not (CloseCause.SlowConsumer or CloseCause.Abort);

    /// <summary>What the peer says to bring it about; 0 when the victim does it by itself.</summary>
    public static byte Trigger(this CloseCause cause) => cause switch
    {
        CloseCause.HandlerFailed => HandlerFails,
        CloseCause.ProtocolError => NoFrame,
        CloseCause.FrameTooLarge => HugeFrame,
        _ => 0,
    };
}
