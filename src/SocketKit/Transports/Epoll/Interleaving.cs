using System.Diagnostics;

namespace SocketKit.Transports.Epoll;

/// <summary>Where tests hold a thread up, so that another overtakes it. In builds without DEBUG there is nothing of it.</summary>
internal static class Interleaving
{
    /// <summary>What a test does at each point.</summary>
    internal static Action? Pause { get; set; }

    [Conditional("DEBUG")]
    public static void Point() => Pause?.Invoke();
}
