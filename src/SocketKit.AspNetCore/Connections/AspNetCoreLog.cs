using System.Net;
using Microsoft.Extensions.Logging;

namespace SocketKit.AspNetCore.Connections;

/// <summary>The messages of this package. Their ids are unique over all packages; docs/metrics-and-logs.md lists them.</summary>
internal static partial class AspNetCoreLog
{
    [LoggerMessage(90, LogLevel.Error, "Connection {Id}: a callback of ConnectionClosed failed")]
    public static partial void ClosedCallbackFailed(ILogger logger, string id, Exception exception);

    [LoggerMessage(91, LogLevel.Warning, "Accepting on {EndPoint} fails; trying again, at intervals of up to 1 s")]
    public static partial void AcceptFailing(ILogger logger, EndPoint endPoint, Exception exception);

    [LoggerMessage(92, LogLevel.Information, "Accepting on {EndPoint} works again after {Failures} failures")]
    public static partial void AcceptRecovered(ILogger logger, EndPoint endPoint, long failures);
}
