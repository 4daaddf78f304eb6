using Microsoft.Extensions.DependencyInjection;

namespace SocketKit.Hosting.Services;

/// <summary>What the program has said of one client.</summary>
internal sealed class ClientRegistration(string name, IServiceCollection services) : Registration<SocketClientOptions>("client", name, services)
{
    /// <summary>How long the start waits for the connection; zero: not at all.</summary>
    public TimeSpan WaitForConnection { get; set; }
}
