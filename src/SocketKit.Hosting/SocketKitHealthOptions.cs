namespace SocketKit;

/// <summary>
/// What the health checks of <see cref="SocketKitHealthCheckExtensions.AddSocketKit"/> look at besides servers and clients.
/// </summary>
public sealed class SocketKitHealthOptions
{
    /// <summary>
    /// How long before its expiry a certificate is reported. Default: 14 days. Zero: only when it has expired. A negative time ends the
    /// start of the host with an <see cref="OptionsException"/>.
    /// </summary>
    public TimeSpan CertificateWarning { get; set; } = TimeSpan.FromDays(14);

    /// <summary>
    /// Certificates to watch besides those of servers' listeners, by name: when the one in use expires, or null while there is none. The
    /// functions are called at each check, and are thread-safe.
    /// </summary>
    public IDictionary<string, Func<DateTimeOffset?>> Certificates { get; } = new Dictionary<string, Func<DateTimeOffset?>>();
}
