namespace SocketKit;

/// <summary>What exceptions say.</summary>
internal static class ExceptionText
{
    /// <summary>
    /// The message. An exception of somebody else's making may throw when it is asked, or have none; this does not throw, and is never
    /// null.
    /// </summary>
    public static string MessageOf(Exception exception)
    {
        try
        {
            return exception.Message ?? "";
        }
#pragma warning disable CA1031 // The exception that is told of matters, not that it cannot tell of itself.
        catch (Exception another)
#pragma warning restore CA1031
        {
            return $"{exception.GetType().Name}, whose message cannot be read ({another.GetType().Name})";
        }
    }
}
