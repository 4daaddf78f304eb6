namespace SocketKit.Load.Serving;

/// <summary>
/// A server that listens on 127.0.0.1 until it is disposed of: it echoes frames with a 4-byte big-endian length, or is a web app.
/// </summary>
internal interface IMeasuredServer : IAsyncDisposable
{
    /// <summary>The port that it listens on.</summary>
    int Port { get; }

    /// <summary>How many connections it has; null when it does not count them.</summary>
    int? Connections => null;
}
