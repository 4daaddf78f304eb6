using System.Diagnostics.Metrics;

namespace SocketKit.Diagnostics;

/// <summary>
/// Certificates in use, for the gauge of their expiry. Whoever uses one watches it: <c>_watch = CertificateExpiry.Watch("api", () =>
/// certificate.NotAfter)</c>; the function is called when the gauge is read.
/// </summary>
internal static class CertificateExpiry
{
    private static readonly HashSet<Entry> Watched = [];

    /// <param name="name">Tells certificates apart on a dashboard: of a configuration, not of a peer. Null: the attribute is left
    /// out.</param>
    /// <param name="notAfter">When the certificate in use expires; null while there is none. Thread-safe.</param>
    /// <param name="time">Default: the system's clock.</param>
    /// <returns>Ends the watch when it is disposed of.</returns>
    public static IDisposable Watch(string? name, Func<DateTimeOffset?> notAfter, TimeProvider? time = null)
    {
        SocketKitMetrics.Publish();
        var entry = new Entry(name, notAfter, time ?? TimeProvider.System);
        lock (Watched)
        {
            Watched.Add(entry);
        }

        return entry;
    }

    /// <summary>One measurement for each name: of several certificates with the same one, that which expires first.</summary>
    public static IEnumerable<Measurement<double>> Observe()
    {
        Entry[] all;
        lock (Watched)
        {
            all = [.. Watched];
        }

        return [.. all
            .Select(entry => (entry.Name, entry.Left))
            .Where(entry => entry.Left is not null)
            .GroupBy(entry => entry.Name)
            .Select(group => new Measurement<double>(group.Min(entry => entry.Left!.Value.TotalSeconds), group.Key is null ? [] : [new("socketkit.tls.certificate.name", group.Key)]))];
    }

    private sealed class Entry(string? name, Func<DateTimeOffset?> notAfter, TimeProvider time) : IDisposable
    {
        public string? Name { get; } = name;

        /// <summary>Null also when it cannot be told: the others are told all the same.</summary>
        public TimeSpan? Left
        {
            get
            {
                try
                {
                    return notAfter() - time.GetUtcNow();
                }
#pragma warning disable CA1031 // A clock of somebody else's.
                catch (Exception)
#pragma warning restore CA1031
                {
                    return null;
                }
            }
        }

        public void Dispose()
        {
            lock (Watched)
            {
                Watched.Remove(this);
            }
        }
    }
}
