namespace SocketKit.Connections;

/// <summary>The checked copy of <see cref="SocketClientOptions"/>.</summary>
internal sealed class ClientSettings
{
    public ClientSettings(SocketClientOptions options)
    {
        const string role = nameof(SocketClientOptions);
        Dialer = options.Dialer ?? throw new OptionsException(role + ".Dialer", "is not set; type Dialer = Dial.Tcp(\"127.0.0.1\", 9000), say");
        Address = Dialer.ToString();
        Connection = new ConnectionSettings(options, role, handlerRequired: false);
        ConnectTimeout = ConnectionSettings.Positive(options.ConnectTimeout, role, nameof(options.ConnectTimeout));
        Reconnect = options.Reconnect;
        OnOpening = options.OnOpening;
    }

    public Dialer Dialer { get; }

    /// <summary>The dialer's, for logs and exceptions.</summary>
    public string Address { get; }

    public ConnectionSettings Connection { get; }

    public TimeSpan ConnectTimeout { get; }

    public IReconnectPolicy? Reconnect { get; }

    public Func<IConnection, CancellationToken, ValueTask>? OnOpening { get; }
}
