using Microsoft.AspNetCore.Connections;
using SocketKit.AspNetCore.Pipes;

namespace SocketKit.AspNetCore.Tests.TestDoubles;

/// <summary>A connection of which only the two pipe ends are there.</summary>
internal sealed class PipeOwner(Transport transport) : IPipeOwner
{
    public ConnectionAbortedException? AbortReason { get; private set; }

    public int WireEnds { get; private set; }

    public FlushPlace FlushPlace { get; set; } = FlushPlace.InputUsedUp;

    public int InputPauses { get; private set; }

    void IPipeOwner.InputPauses() => InputPauses++;

    public void WireEnded() => WireEnds++;

    public void Abort(ConnectionAbortedException reason)
    {
        AbortReason = reason;
        transport.Abort();
    }
}
