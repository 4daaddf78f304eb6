namespace SocketKit.Transports.StreamSockets;

/// <summary>How the kernel finds a peer that is gone.</summary>
/// <param name="KeepAlive">It probes silent peers.</param>
/// <param name="UserTimeout">How long sent bytes may stay unacknowledged; null: 30 s or the slow-consumer deadline; infinite: the
/// kernel's own rule.</param>
internal readonly record struct TcpLiveness(bool KeepAlive, TimeSpan? UserTimeout)
{
    public static TcpLiveness Default { get; } = new(KeepAlive: true, UserTimeout: null);

    /// <summary>What the kernel is told; 0: nothing, which is its own rule. By default 30 s, or the slow-consumer deadline when that is
    /// longer, because the kernel counts a live peer that only does not read as dead, too.</summary>
    public int UserTimeoutMilliseconds(TimeSpan slowConsumerTimeout)
    {
        if (UserTimeout == Timeout.InfiniteTimeSpan)
        {
            return 0;
        }

        var least = TimeSpan.FromSeconds(TcpOptions.DeadAfterSeconds);
        var timeout = UserTimeout ?? (slowConsumerTimeout > least ? slowConsumerTimeout : least);
        return (int)Math.Clamp(Math.Ceiling(timeout.TotalMilliseconds), 1, int.MaxValue);
    }

    /// <summary>Checks a user time-out.</summary>
    /// <param name="userTimeout">As the user set it.</param>
    /// <param name="options">The options class.</param>
    /// <exception cref="OptionsException">It is out of range.</exception>
    public static TimeSpan? Check(TimeSpan? userTimeout, string options)
    {
        var isInRange = userTimeout is not { } time || time == Timeout.InfiniteTimeSpan
            || (time > TimeSpan.Zero && time.TotalMilliseconds <= int.MaxValue);
        return isInRange
            ? userTimeout
            : throw new OptionsException(
                options + ".UserTimeout",
                $"{userTimeout} is out of range; type a time above zero and below 24 days, such as TimeSpan.FromSeconds(30), "
                + "or Timeout.InfiniteTimeSpan for none");
    }
}
