using Microsoft.Extensions.DependencyInjection;
using SocketKit.Hosting.Services;

namespace SocketKit;

/// <summary>
/// Configures a client registered by
/// <see cref="SocketKitHostingExtensions.AddSocketClient(IServiceCollection, string, Action{SocketClientOptions})"/>. Configuration below
/// <c>SocketKit:Clients:name</c> overrides these settings.
/// </summary>
public sealed class SocketClientBuilder : SocketBuilder<SocketClientBuilder, SocketClientOptions>
{
    private readonly ClientRegistration _registration;

    internal SocketClientBuilder(IServiceCollection services, ClientRegistration registration)
        : base(services, registration) => _registration = registration;

    /// <summary>
    /// Lets the host's start wait until the client is connected, and fail if it is not in time. By default the client connects in the
    /// background and the start goes on.
    /// </summary>
    /// <param name="timeout">How long: above zero, at most a day. Default: 30 s. <see cref="Timeout.InfiniteTimeSpan"/>: until the host
    /// gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is zero, negative or longer than a day, and not infinite.</exception>
    public SocketClientBuilder WaitForConnection(TimeSpan? timeout = null)
    {
        var patience = timeout ?? TimeSpan.FromSeconds(30);
        if (patience != Timeout.InfiniteTimeSpan && (patience <= TimeSpan.Zero || patience > TimeSpan.FromDays(1)))
        {
            throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "Give a time above zero and up to a day, or Timeout.InfiniteTimeSpan.");
        }

        _registration.WaitForConnection = patience;
        return this;
    }
}
