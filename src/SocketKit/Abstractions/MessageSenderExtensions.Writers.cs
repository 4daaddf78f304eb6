using System.Buffers;
using System.Runtime.CompilerServices;

namespace SocketKit;

// Overloads for callbacks that write the payload: into scratch memory, not under the lock of the connection.
public static partial class MessageSenderExtensions
{
    /// <summary>
    /// Sends the bytes that a callback writes, such as a serializer's. See <see cref="IMessageSender.SendAsync"/>. Allocates nothing when
    /// the callback is <c>static</c>.
    /// </summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="state">What the callback needs; may be a span.</param>
    /// <param name="write">Writes the payload. Called once, before this method returns, on the caller's thread and under no lock. The
    /// writer, and the memory it gives, are usable only inside of the callback, which therefore must not be <c>async</c>. What it throws
    /// comes out of this method, and nothing is sent.</param>
    /// <param name="cancellationToken">Abandons only the wait for room; the message is sent all the same.</param>
    /// <returns>Complete at once below the high-water mark (64 KiB queued); above it, when there is room again.</returns>
    /// <exception cref="ConnectionClosedException">There is no connection, or it ended. Thrown by the call, or by the returned
    /// task.</exception>
    /// <exception cref="FramingException">The framer cannot write this message; the connection lives on.</exception>
    [OverloadResolutionPriority(CallbackWithState)]
    public static ValueTask SendAsync<TState>(
        this IMessageSender sender, TState state, Action<TState, IBufferWriter<byte>> write, CancellationToken cancellationToken = default)
        where TState : allows ref struct
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(write);
        using var payload = PayloadWriter.Write(state, write);
        return sender.SendAsync(payload.Written, cancellationToken);
    }

    /// <summary>Sends the bytes that a callback writes. See
    /// <see cref="SendAsync{TState}(IMessageSender, TState, Action{TState, IBufferWriter{byte}}, CancellationToken)"/>, which allocates
    /// less where the callback needs something.</summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="write">Writes the payload, before this method returns. What it throws comes out of this method, and nothing is
    /// sent.</param>
    /// <param name="cancellationToken">Abandons only the wait for room; the message is sent all the same.</param>
    [OverloadResolutionPriority(Callback)]
    public static ValueTask SendAsync(
        this IMessageSender sender, Action<IBufferWriter<byte>> write, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(write);
        return sender.SendAsync(write, static (write, writer) => write(writer), cancellationToken);
    }

    /// <summary>Sends the bytes that a callback writes, if that is possible right now. See <see cref="IMessageSender.TrySend"/>.</summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="state">What the callback needs; may be a span.</param>
    /// <param name="write">Writes the payload, before this method returns, also when nothing can be sent. What it throws comes out of this
    /// method: the one thing that this method throws.</param>
    /// <returns>False when nothing was sent: closed, above the high-water mark, or the framer refused the message.</returns>
    public static bool TrySend<TState>(this IMessageSender sender, TState state, Action<TState, IBufferWriter<byte>> write)
        where TState : allows ref struct
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(write);
        using var payload = PayloadWriter.Write(state, write);
        return sender.TrySend(payload.Written);
    }

    /// <summary>Sends the bytes that a callback writes, if that is possible right now. See
    /// <see cref="TrySend{TState}(IMessageSender, TState, Action{TState, IBufferWriter{byte}})"/>.</summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="write">Writes the payload, before this method returns. What it throws comes out of this method.</param>
    public static bool TrySend(this IMessageSender sender, Action<IBufferWriter<byte>> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        return sender.TrySend(write, static (write, writer) => write(writer));
    }

    /// <summary>
    /// Sends the bytes that a callback writes as a request, and waits for its response. See <see cref="IMessageSender.RequestAsync"/>.
    /// </summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="state">What the callback needs; may be a span.</param>
    /// <param name="write">Writes the payload, as for
    /// <see cref="SendAsync{TState}(IMessageSender, TState, Action{TState, IBufferWriter{byte}}, CancellationToken)"/>.</param>
    /// <param name="options">A correlation id, a time-out of its own.</param>
    /// <param name="cancellationToken">Abandons the request; its late response is swallowed.</param>
    /// <returns>The response; dispose it to give its buffer back.</returns>
    [OverloadResolutionPriority(CallbackWithState)]
    public static ValueTask<Message> RequestAsync<TState>(
        this IMessageSender sender,
        TState state,
        Action<TState, IBufferWriter<byte>> write,
        RequestOptions options = default,
        CancellationToken cancellationToken = default)
        where TState : allows ref struct
    {
        ArgumentNullException.ThrowIfNull(sender);
        ArgumentNullException.ThrowIfNull(write);
        using var payload = PayloadWriter.Write(state, write);
        return sender.RequestAsync(payload.Written, options, cancellationToken);
    }

    /// <summary>Sends the bytes that a callback writes as a request, without options, and waits for its response.</summary>
    /// <inheritdoc cref="RequestAsync{TState}(IMessageSender, TState, Action{TState, IBufferWriter{byte}}, RequestOptions, CancellationToken)"/>
    [OverloadResolutionPriority(CallbackWithStateTokenNotOptions)]
    public static ValueTask<Message> RequestAsync<TState>(
        this IMessageSender sender, TState state, Action<TState, IBufferWriter<byte>> write, CancellationToken cancellationToken)
        where TState : allows ref struct => sender.RequestAsync(state, write, default(RequestOptions), cancellationToken);

    /// <summary>
    /// Sends the bytes that a callback writes as a request, and waits for its response. See <see cref="IMessageSender.RequestAsync"/>.
    /// </summary>
    /// <param name="sender">Who sends. Thread-safe.</param>
    /// <param name="write">Writes the payload, before this method returns. What it throws comes out of this method, and nothing is
    /// sent.</param>
    /// <param name="options">A correlation id, a time-out of its own.</param>
    /// <param name="cancellationToken">Abandons the request; its late response is swallowed.</param>
    /// <returns>The response; dispose it to give its buffer back.</returns>
    [OverloadResolutionPriority(Callback)]
    public static ValueTask<Message> RequestAsync(
        this IMessageSender sender,
        Action<IBufferWriter<byte>> write,
        RequestOptions options = default,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(write);
        return sender.RequestAsync(write, static (write, writer) => write(writer), options, cancellationToken);
    }

    /// <summary>Sends the bytes that a callback writes as a request, without options, and waits for its response.</summary>
    /// <inheritdoc cref="RequestAsync(IMessageSender, Action{IBufferWriter{byte}}, RequestOptions, CancellationToken)"/>
    [OverloadResolutionPriority(CallbackTokenNotOptions)]
    public static ValueTask<Message> RequestAsync(
        this IMessageSender sender, Action<IBufferWriter<byte>> write, CancellationToken cancellationToken) =>
        sender.RequestAsync(write, default(RequestOptions), cancellationToken);
}
