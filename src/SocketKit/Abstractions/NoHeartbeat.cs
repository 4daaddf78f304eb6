using System.Buffers;
using System.Diagnostics;

namespace SocketKit;

/// <summary>No heartbeats, the default: no byte on the wire. TCP keep-alive and the user time-out still find a dead peer in 30 s.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class NoHeartbeat : IHeartbeatPolicy
{
    /// <summary>The only instance.</summary>
    public static NoHeartbeat Instance { get; } = new();

    private NoHeartbeat()
    {
    }

    /// <summary>For people and debuggers: <c>NoHeartbeat</c>.</summary>
    public override string ToString() => nameof(NoHeartbeat);

    /// <inheritdoc/>
    public HeartbeatDecision Decide(in ConnectionPulse pulse, object? state) => HeartbeatDecision.Never;

    /// <inheritdoc/>
    public HeartbeatKind Classify(ReadOnlySpan<byte> message, object? state) => HeartbeatKind.None;

    /// <inheritdoc/>
    public void Write(HeartbeatKind kind, in ConnectionPulse pulse, ReadOnlySpan<byte> ping, object? state, IBufferWriter<byte> output)
    {
    }
}
