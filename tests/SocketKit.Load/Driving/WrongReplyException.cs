namespace SocketKit.Load.Driving;

/// <summary>A reply that is not what it must be.</summary>
internal sealed class WrongReplyException(string message) : Exception(message);
