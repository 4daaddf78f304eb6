namespace SocketKit.Hosting.Services;

/// <summary>What the program has said of one client while services were registered.</summary>
internal sealed class ClientRegistration(string name)
{
    public string Name => name;

    /// <summary>The configuration key of its settings.</summary>
    public string Section { get; set; } = "SocketKit:Clients:" + name;

    public Type? Handler { get; set; }

    /// <summary>How long the start waits for the connection; zero: not at all.</summary>
    public TimeSpan WaitForConnection { get; set; }
}
