namespace SocketKit.Load.Driving;

/// <summary>What a load brought forth.</summary>
/// <param name="Rate">Open loop: the rate asked for, in messages per second.</param>
/// <param name="Seconds">How long was measured.</param>
/// <param name="Messages">Replies in that time, each checked byte for byte.</param>
/// <param name="Latency">From the sending, in open loop from the time when it was due, to the last byte of the reply.</param>
/// <param name="Unanswered">Open loop: messages due in that time that had no reply 5 s after it; they count in the latency with the time
/// they waited.</param>
/// <param name="ServerMicrosecondsPerMessage">Processor time of the server.</param>
/// <param name="ServerShare">Processor time of the server by time measured: 1 is one processor all the time.</param>
/// <param name="LoadShare">The same of the load.</param>
/// <param name="OthersShare">The same of all other programs on this machine: well above 0, the figures mean little. Null where it is not
/// known.</param>
/// <param name="ServerBytesPerMessage">Bytes that the server allocated; of servers that tell.</param>
internal sealed record LoadResult(
    int Connections, int Depth, int Size, double? Rate, double Seconds, long Messages, double MessagesPerSecond, Latency Latency, long Unanswered,
    double? ServerMicrosecondsPerMessage, double? ServerShare, double LoadShare, double? OthersShare, double? ServerBytesPerMessage);

/// <summary>Percentiles in microseconds.</summary>
internal sealed record Latency(double P50, double P90, double P99, double P999, double Max);
