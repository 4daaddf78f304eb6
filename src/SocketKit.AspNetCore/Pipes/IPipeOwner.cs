using Microsoft.AspNetCore.Connections;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>What the two pipe ends of a connection ask of it and tell it.</summary>
internal interface IPipeOwner
{
    /// <summary>Why this side aborted the connection; null: it did not.</summary>
    ConnectionAbortedException? AbortReason { get; }

    /// <summary>Where the caller stands, who flushes.</summary>
    FlushPlace FlushPlace { get; }

    /// <summary>The input is used up, or the read's continuation is over: what was held back goes out. Outside every lock.</summary>
    void InputPauses();

    /// <summary>The peer has finished, or the wire failed. Any number of times, from any thread, outside every lock.</summary>
    void WireEnded();

    /// <summary>The application gives its output up.</summary>
    void Abort(ConnectionAbortedException reason);
}
