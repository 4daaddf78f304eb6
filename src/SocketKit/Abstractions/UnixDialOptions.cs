using System.Diagnostics;

namespace SocketKit;

/// <summary>How a Unix-domain socket is dialled. Copied when it is given to <see cref="Dial"/>.</summary>
[DebuggerDisplay("{Engine}")]
public sealed class UnixDialOptions
{
    /// <summary>The engine of the connection. Default: <see cref="SocketEngine.Auto"/>.</summary>
    public SocketEngine Engine { get; set; }
}
