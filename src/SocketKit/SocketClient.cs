using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Text;
using SocketKit.Clients;

namespace SocketKit;

/// <summary>Keeps one connection to a server, and dials again when a policy says so. See <see cref="ISocketClient"/>.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class SocketClient : ISocketClient
{
    private readonly SocketClientOptions _options;
    private readonly Lock _lock = new();
    private ClientSession? _session;
    private bool _disposed;

    /// <summary>Makes a client. Options are copied and checked at the first use.</summary>
    public SocketClient(SocketClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc/>
    public event EventHandler<ClientStateChange>? StateChanged;

    /// <inheritdoc/>
    public ClientState State => Volatile.Read(ref _session)?.State ?? ClientState.Disconnected;

    /// <inheritdoc/>
    public IConnection? Connection => Volatile.Read(ref _session)?.Connection;

    /// <inheritdoc/>
    public Encoding TextEncoding => Session.Settings.TextEncoding;

    /// <inheritdoc/>
    public IAsyncEnumerable<Message> Messages => Session.Messages
        ?? throw new InvalidOperationException("The client has a handler (ConnectionOptions.HandlerFactory), which gets the messages; leave it out to read Messages");

    private ClientSession Session
    {
        get
        {
            lock (_lock)
            {
                if (_session is null)
                {
                    _session = new ClientSession(_options, this, Tell);
                    if (_disposed)
                    {
                        // Its Messages end, and nothing begins. Nothing runs yet, so this is done at once.
                        _ = _session.DisposeAsync();
                    }
                }

                return _session;
            }
        }
    }

    /// <summary>Each subscriber is told, whatever another one throws. The first one's exception is thrown behind the last.</summary>
    private void Tell(ClientStateChange change)
    {
        Exception? failure = null;
        foreach (var subscriber in Delegate.EnumerateInvocationList(StateChanged))
        {
            try
            {
                subscriber(this, change);
            }
#pragma warning disable CA1031 // A subscriber is user code; the others must still hear of it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure ??= exception;
            }
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>
    /// For people, logs and debuggers: <c>SocketClient to tcp://127.0.0.1:9000, Connected</c>, with
    /// <see cref="ConnectionOptions.Name"/> if it has one. Takes no lock, and does not check the options.
    /// </summary>
    public override string ToString()
    {
        var to = _options.Dialer is { } dialer ? " to " + LogText.NameOf(dialer) : "";
        var state = Volatile.Read(ref _session)?.StateNow ?? ClientState.Disconnected;
        return $"{SocketKitText.Named(nameof(SocketClient), _options.Name)}{to}, {state}";
    }

    /// <inheritdoc/>
    public Task ConnectAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        return Session.ConnectAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public Task DisconnectAsync(string? detail = null, CancellationToken cancellationToken = default) =>
        Volatile.Read(ref _session)?.DisconnectAsync(detail, cancellationToken) ?? Task.CompletedTask;

    /// <inheritdoc/>
    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default) => Session.SendAsync(message, cancellationToken);

    /// <inheritdoc/>
    public bool TrySend(ReadOnlyMemory<byte> message) => Connection?.TrySend(message) ?? false;

    /// <inheritdoc/>
    public ValueTask<Message> RequestAsync(ReadOnlyMemory<byte> request, RequestOptions options = default, CancellationToken cancellationToken = default) =>
        Session.RequestAsync(request, options, cancellationToken);

    /// <summary>
    /// Disconnects gracefully, for good, and ends <see cref="Messages"/>. Nothing begins after this call: a <see cref="ConnectAsync"/> that
    /// is to begin an attempt throws <see cref="ObjectDisposedException"/>, also when
    /// it was called before. When the task completes, no attempt and no connection is left, and <see cref="StateChanged"/> has told of
    /// every change, unless its subscriber takes longer than 1 s or disposes of the
    /// client itself. A handler's call may still run. Idempotent.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        ClientSession? session;
        lock (_lock)
        {
            _disposed = true;
            session = _session;
        }

        if (session is not null)
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }
    }
}
