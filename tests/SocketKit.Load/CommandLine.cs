using System.CommandLine;
using SocketKit.Load.Driving;
using SocketKit.Load.Measuring;
using SocketKit.Load.Serving;
using SocketKit.Load.Stalls;
using SocketKit.Load.TlsClose;

namespace SocketKit.Load;

/// <summary>All commands of this tool.</summary>
internal static class CommandLine
{
    public static RootCommand Create() => new("Measures echo servers over framed sockets, and a web app on Kestrel's transports.")
    {
        ServeCommand.Create(), DriveCommand.Create(), CompareCommand.Create(), MeasureCommand.Create(),
        TlsCloseVictim.Create(), SpinCommand.Create(),
    };
}
