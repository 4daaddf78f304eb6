namespace SocketKit.Hosting.Tests.TestDoubles;

/// <summary>A fact that needs signals.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class UnixFactAttribute : FactAttribute
{
    public UnixFactAttribute()
    {
        if (OperatingSystem.IsWindows())
        {
            Skip = "Windows has no POSIX signals; the drain itself is tested on the in-memory network";
        }
    }
}
