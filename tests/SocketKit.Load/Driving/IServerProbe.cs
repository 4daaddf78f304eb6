using System.Diagnostics;

namespace SocketKit.Load.Driving;

/// <summary>What can be learnt of the server's process from outside.</summary>
internal interface IServerProbe
{
    /// <summary>Processor time since its start.</summary>
    TimeSpan ProcessorTime { get; }

    /// <summary>Bytes allocated since its start, or null when it does not tell.</summary>
    long? AllocatedBytes { get; }
}

/// <summary>A process that runs on this machine and is known by its id alone.</summary>
internal sealed class ProcessProbe(int id) : IServerProbe
{
    public long? AllocatedBytes => null;

    public TimeSpan ProcessorTime
    {
        get
        {
            using var process = Process.GetProcessById(id);
            return process.TotalProcessorTime;
        }
    }
}
