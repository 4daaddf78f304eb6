using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace SocketKit.Hosting.Services;

/// <summary>The messages of this package. The core and its other satellites have other numbers.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(80, LogLevel.Critical, "The server {Name} cannot start: {Why}")]
    public static partial void ServerFailed(ILogger logger, string name, string why);

    [LoggerMessage(81, LogLevel.Critical, "The client {Name} cannot start: {Why}")]
    public static partial void ClientFailed(ILogger logger, string name, string why);

    [LoggerMessage(82, LogLevel.Error, "The client {Name} has given up connecting: {Why}")]
    public static partial void ClientGaveUp(ILogger logger, string name, string why);

    [LoggerMessage(83, LogLevel.Warning, "{Key} is configured, but the program has no {Role} of this name; it has {Names}")]
    public static partial void NobodyOfThisName(ILogger logger, string key, string role, string names);

    [LoggerMessage(84, LogLevel.Warning, "The configuration below {Key} has changed; settings are read once, so it counts after a restart")]
    public static partial void Changed(ILogger logger, string key);

    [LoggerMessage(85, LogLevel.Error, "Connection {Id}: the scope of a handler that could not be made failed in its disposal")]
    public static partial void ScopeFailed(ILogger logger, long id, Exception exception);

    [LoggerMessage(86, LogLevel.Warning, "{Key} is configured, but nothing reads it{Nearest} There are {Known}")]
    public static partial void NoSuchSection(ILogger logger, string key, string nearest, string known);

    [LoggerMessage(87, LogLevel.Warning, "{Key} asks less of connections than the program: it leaves out {Missing}")]
    public static partial void Weakened(ILogger logger, string key, string missing);

    /// <summary>
    /// Where all of them go. What a logger throws is no trouble of the host's: those of the servers and clients go to the same factory, and
    /// are counted.
    /// </summary>
    public static ILogger Create(IServiceProvider services) => SafeLogging.CreateLogger(services.GetService<ILoggerFactory>(), "SocketKit.Hosting");
}
