using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace SocketKit.AspNetCore.Pipes;

/// <summary>The wire's errors as Kestrel knows them.</summary>
internal static class PipeErrors
{
    /// <param name="exception">What the wire threw.</param>
    /// <param name="aborted">Why this side aborted; null: it did not.</param>
    public static Exception From(Exception exception, ConnectionAbortedException? aborted)
    {
        if (aborted is not null)
        {
            return aborted;
        }

        var error = (exception as SocketException ?? exception.InnerException as SocketException)?.SocketErrorCode;

        // EPIPE is Shutdown in .NET.
        return error is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted
            ? new ConnectionResetException(exception.Message, exception)
            : exception as IOException ?? new IOException(exception.Message, exception);
    }
}
