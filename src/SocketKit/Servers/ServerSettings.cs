using SocketKit.Connections;

namespace SocketKit.Servers;

/// <summary>The checked copy of <see cref="SocketServerOptions"/>.</summary>
internal sealed class ServerSettings
{
    public ServerSettings(SocketServerOptions options)
    {
        const string role = nameof(SocketServerOptions);
        if (options.Listeners.Count == 0)
        {
            throw new OptionsException(role + ".Listeners", "is empty; type Listeners = { Listen.Tcp(9000) }, say");
        }

        Listeners = [.. options.Listeners];
        if (Array.IndexOf(Listeners, null) is >= 0 and var index)
        {
            throw new OptionsException(role + ".Listeners", $"[{index}] is null; type Listen.Tcp(9000), say, or leave it out");
        }

        Connection = new ConnectionSettings(options, role, handlerRequired: true);
        MaxConnections = ConnectionSettings.InRange(options.MaxConnections, 1, int.MaxValue, role, nameof(options.MaxConnections));
        DrainTimeout = options.DrainTimeout == TimeSpan.Zero
            ? TimeSpan.Zero
            : ConnectionSettings.Positive(
                options.DrainTimeout, role, nameof(options.DrainTimeout), "a connection that never finishes would keep the stop", ", or TimeSpan.Zero");
    }

    public Listener[] Listeners { get; }

    public ConnectionSettings Connection { get; }

    public int MaxConnections { get; }

    public TimeSpan DrainTimeout { get; }
}
