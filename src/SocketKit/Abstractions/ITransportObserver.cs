namespace SocketKit;

/// <summary>
/// What a transport reports beside its operations. A connection implements it and hands itself to <see cref="Transport.Observe"/>.
/// A program implements it only to put a decorator of a transport between the two; then it forwards every member.
/// </summary>
/// <remarks>
/// Every member may be called more than once and must return at once: it runs on the engine's threads. Implement it for test doubles and
/// such decorators. A minor version may add members; they come with a default implementation that does nothing.
/// </remarks>
public interface ITransportObserver
{
    /// <summary>The peer has finished: the end of its stream has arrived, perhaps behind bytes that nobody has received yet.</summary>
    void PeerFinished();

    /// <summary>The peer is gone, by a reset or by the kernel's verdict, while no receive was under way.</summary>
    /// <param name="exception">What the next receive would throw.</param>
    void PeerGone(Exception exception);

    /// <summary>
    /// A completion of this transport lasts so long that its event loop has moved to another thread: what the connection holds back
    /// must go out. Called on that event loop.
    /// </summary>
    void CompletionTakesLong();

    /// <summary>
    /// A completion of this transport has blocked its event loop. Called once per episode, on the thread that was blocked or on the
    /// thread pool.
    /// </summary>
    /// <param name="time">How long it has blocked so far.</param>
    /// <param name="goesOn">True if it still blocks.</param>
    void LoopBlocked(TimeSpan time, bool goesOn);

    /// <summary>
    /// A completion of this transport blocks its event loop, and the engine has no spare thread left to move the loop to. Called once
    /// per episode, on the thread pool.
    /// </summary>
    void NoThreadLeft();

    /// <summary>A completion of this transport has thrown, which it must not: the connection has failed.</summary>
    /// <param name="exception">What it threw.</param>
    void CompletionFailed(Exception exception);
}
