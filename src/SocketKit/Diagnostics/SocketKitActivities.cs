using System.Diagnostics;
using System.Net;

namespace SocketKit.Diagnostics;

/// <summary>
/// The spans of the activity source <c>SocketKit</c>: a client's attempt to connect, a request until its response, a message until its
/// handler is done. A connection's life is none: a span is seen only when it ends, and connections live for days; each span has the
/// connection's id instead. Nothing is spent while nobody listens.
/// </summary>
internal static class SocketKitActivities
{
    private static readonly SafeActivities Source = new("SocketKit", typeof(SocketKitActivities).Assembly.GetName().Version?.ToString(3));

    public static bool AreWanted => Source.HasListeners;

    /// <summary>
    /// A message that goes to the handler: the root of a trace, since the library does not know where in it a context might stand.
    /// </summary>
    public static Activity? Handle(OwnerMetrics owner, IConnection connection, int length)
    {
        var activity = Source.Start("handle", ActivityKind.Server);
        if (activity is { IsAllDataRequested: true })
        {
            AddConnection(activity, owner, connection);
            activity.SetTag("socketkit.message.size", length);
        }

        return activity;
    }

    /// <summary>A request, as a child of the caller's span.</summary>
    public static Activity? Request(OwnerMetrics owner, IConnection connection, int length, long? correlationId)
    {
        var activity = Source.Start("request", ActivityKind.Client);
        if (activity is { IsAllDataRequested: true })
        {
            AddConnection(activity, owner, connection);
            activity.SetTag("socketkit.message.size", length);
            if (correlationId is not null)
            {
                activity.SetTag("socketkit.request.correlation_id", correlationId);
            }
        }

        return activity;
    }

    /// <summary>An attempt to connect, until the connect hook is done.</summary>
    /// <param name="owner">The client's metrics.</param>
    /// <param name="parent">The span that the first attempt was asked for in; others have none.</param>
    /// <param name="address">As the dialer writes it.</param>
    /// <param name="attempt">How many have failed before it.</param>
    public static Activity? Connect(OwnerMetrics owner, ActivityContext parent, string address, int attempt)
    {
        var activity = Source.Start("connect", ActivityKind.Client, parent);
        if (activity is { IsAllDataRequested: true })
        {
            if (owner.Name is { } name)
            {
                activity.SetTag("socketkit.name", name);
            }

            if (Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Port > 0)
            {
                activity.SetTag("server.address", uri.Host);
                activity.SetTag("server.port", uri.Port);
            }
            else
            {
                activity.SetTag("server.address", address);
            }

            activity.SetTag("socketkit.client.attempt", attempt);
        }

        return activity;
    }

    /// <summary>Ends a span, as failed if there is an error.</summary>
    public static void End(Activity? activity, string? errorType = null, string? description = null)
    {
        if (activity is null)
        {
            return;
        }

        if (errorType is not null)
        {
            activity.SetTag(SocketKitMetrics.ErrorType, errorType);
            activity.SetStatus(ActivityStatusCode.Error, description);
        }

        SafeActivities.Stop(activity);
    }

    private static void AddConnection(Activity activity, OwnerMetrics owner, IConnection connection)
    {
        activity.SetTag("socketkit.role", owner.IsServer ? "server" : "client");
        if (owner.Name is { } name)
        {
            activity.SetTag("socketkit.name", name);
        }

        activity.SetTag("socketkit.connection.id", connection.Id);
        if (RemoteOf(connection) is IPEndPoint peer)
        {
            activity.SetTag("network.peer.address", peer.Address.ToString());
            activity.SetTag("network.peer.port", peer.Port);
        }
        else if (RemoteOf(connection) is { } other)
        {
            activity.SetTag("network.peer.address", LogText.NameOf(other));
        }
    }

    /// <summary>The peer's end, or null also when a wire of somebody else's throws instead.</summary>
    private static EndPoint? RemoteOf(IConnection connection)
    {
        try
        {
            return connection.RemoteEndPoint;
        }
#pragma warning disable CA1031 // A span without the peer's address is better than a call that fails for it.
        catch (Exception)
#pragma warning restore CA1031
        {
            return null;
        }
    }
}
