namespace SocketKit;

/// <summary>What one receive brought.</summary>
/// <param name="Count">The number of bytes put into the buffer.</param>
/// <param name="EndOfMessage">True when these bytes end a message of a wire that keeps messages; a larger message comes in pieces, the last with this flag.</param>
public readonly record struct Received(int Count, bool EndOfMessage);
