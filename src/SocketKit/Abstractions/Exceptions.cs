namespace SocketKit;

/// <summary>
/// What this library throws when something goes wrong at run time, as a base to catch: a connection, an address, a certificate, a message.
/// Two exceptions have another base, which says more of them: <see cref="RequestTimeoutException"/> is a <see cref="TimeoutException"/>,
/// and <see cref="OptionsException"/>, a mistake in the program, an <see cref="ArgumentException"/>.
/// </summary>
/// <remarks>
/// It is an <see cref="IOException"/>, so that code for streams and sockets handles it as what it knows. Made for you to derive from, for
/// exceptions of your own transports, framers and hooks. A minor version may add members.
/// </remarks>
public abstract class SocketKitException : IOException
{
    /// <summary>Makes one with a message.</summary>
    /// <param name="message">What is wrong, for people.</param>
    protected SocketKitException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one with a message and what caused it.</summary>
    /// <param name="message">What is wrong, for people.</param>
    /// <param name="innerException">What was thrown underneath, or null.</param>
    protected SocketKitException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>There is no connection, or it ended; <see cref="Reason"/> says why.</summary>
public class ConnectionClosedException : SocketKitException
{
    /// <summary>Makes one from the reason.</summary>
    public ConnectionClosedException(CloseReason reason)
        : base($"The connection is closed: {reason ?? throw new ArgumentNullException(nameof(reason))}", reason.Exception) => Reason = reason;

    /// <summary>Makes one from a message and the reason.</summary>
    public ConnectionClosedException(string message, CloseReason reason)
        : base(message, reason?.Exception) => Reason = reason ?? throw new ArgumentNullException(nameof(reason));

    /// <summary>Why the connection ended.</summary>
    public CloseReason Reason { get; }
}

/// <summary>A client could not connect; <see cref="ConnectionClosedException.Reason"/> is the last attempt's.</summary>
public sealed class ConnectException : ConnectionClosedException
{
    /// <summary>Makes one from the address and the reason.</summary>
    public ConnectException(string address, CloseReason reason)
        : base($"Cannot connect to {address}: {reason}", reason)
    {
    }
}

/// <summary>Thrown by an application's connect hook when the peer refused for good (wrong password): the client does not redial.</summary>
public sealed class RejectedException : SocketKitException
{
    /// <summary>Makes one with a message.</summary>
    public RejectedException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one with a message and what caused it.</summary>
    public RejectedException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>A server cannot take an address; the message names it.</summary>
public sealed class ListenException : SocketKitException
{
    /// <summary>Makes one for an address.</summary>
    /// <param name="endPoint">The address.</param>
    /// <param name="why">What is wrong, for people.</param>
    /// <param name="innerException">The wire's own error.</param>
    public ListenException(System.Net.EndPoint endPoint, string why, Exception? innerException = null)
        : base($"Cannot listen on {(endPoint is System.Net.DnsEndPoint name ? $"{name.Host}:{name.Port}" : endPoint)}: {why}", innerException) => EndPoint = endPoint;

    /// <summary>The address that was asked for.</summary>
    public System.Net.EndPoint EndPoint { get; }
}

/// <summary>Bytes that break the framing, or a message that the framing cannot carry.</summary>
public class FramingException : SocketKitException
{
    /// <summary>Makes one with a message.</summary>
    public FramingException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one with a message and what caused it.</summary>
    public FramingException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>A frame or message is longer than allowed.</summary>
public sealed class FrameTooLargeException : FramingException
{
    /// <summary>Makes one from the two lengths.</summary>
    /// <param name="length">The length found or announced, in bytes; what is known of it.</param>
    /// <param name="maximum">The longest allowed, in bytes.</param>
    public FrameTooLargeException(long length, long maximum)
        : base($"A frame of {length} bytes or more exceeds the maximum of {maximum} bytes")
    {
        Length = length;
        Maximum = maximum;
    }

    /// <summary>The length found or announced, in bytes.</summary>
    public long Length { get; }

    /// <summary>The longest allowed, in bytes.</summary>
    public long Maximum { get; }
}

/// <summary>
/// A request had no response in time. Not a <see cref="SocketKitException"/>, but what .NET throws for a time that has passed.
/// </summary>
public sealed class RequestTimeoutException : TimeoutException
{
    private const string BehindTheMailbox =
        "; the mailbox was full, so the response may be waiting behind messages that the handler has not taken";

    private const string BehindTheHandler =
        "; the connection's own handler was blocked meanwhile, so nothing was received: "
        + "a handler awaits its requests, with .Result or .Wait() they can only time out";

    /// <summary>Makes one.</summary>
    /// <param name="timeout">The request's time-out, which passed.</param>
    /// <param name="mailboxWasFull">See <see cref="MailboxWasFull"/>.</param>
    public RequestTimeoutException(TimeSpan timeout, bool mailboxWasFull)
        : this(timeout, mailboxWasFull, handlerWasBlocked: false)
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="timeout">The request's time-out, which passed.</param>
    /// <param name="mailboxWasFull">See <see cref="MailboxWasFull"/>.</param>
    /// <param name="handlerWasBlocked">See <see cref="HandlerWasBlocked"/>.</param>
    public RequestTimeoutException(TimeSpan timeout, bool mailboxWasFull, bool handlerWasBlocked)
        : base($"No response within {timeout}" + (mailboxWasFull ? BehindTheMailbox : "") + (handlerWasBlocked ? BehindTheHandler : ""))
    {
        Timeout = timeout;
        MailboxWasFull = mailboxWasFull;
        HandlerWasBlocked = handlerWasBlocked;
    }

    /// <summary>The request's time-out, which passed.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>True when this side did not read because the handler was behind: then the response may well have come.</summary>
    public bool MailboxWasFull { get; }

    /// <summary>True when this side did not read because a call of the connection's own handler did not return: it blocked its thread
    /// instead of awaiting, perhaps for this very response. Then the response may well have come.</summary>
    public bool HandlerWasBlocked { get; }
}

/// <summary>
/// A request was not sent: too many are pending, its correlation id is in use, or it has one without <see
/// cref="ProtocolOptions.ReadCorrelationId"/>, which would find it in the response.
/// </summary>
public sealed class RequestRefusedException : SocketKitException
{
    /// <summary>Makes one with a message.</summary>
    public RequestRefusedException(string message)
        : base(message)
    {
    }
}

/// <summary>A setting is out of its range or missing; the message names the option and says what to type.</summary>
public sealed class OptionsException : ArgumentException
{
    /// <summary>Makes one.</summary>
    /// <param name="option">The option, such as <c>SocketServerOptions.Framer</c>.</param>
    /// <param name="message">What is wrong and what to type.</param>
    public OptionsException(string option, string message)
        : base($"{option}: {message}") => Option = option;

    /// <summary>The option's name.</summary>
    public string Option { get; }
}
