using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace SocketKit.Connections;

/// <summary>
/// What few connections need: tokens and tasks that somebody asked for, the program's items. Made at the first use of any of it, so that
/// the others hold one field. Guarded by the connection's lock: what its methods return is cancelled or completed outside of it.
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The sources have neither timers nor wait handles: nothing to dispose of.")]
internal sealed class ConnectionExtras
{
    private CancellationTokenSource? _closedSource;
    private CancellationTokenSource? _stoppingSource;
    private TaskCompletionSource<CloseReason>? _closed;
    private TaskCompletionSource? _finished;
    private TaskCompletionSource? _ended;
    private ConcurrentDictionary<object, object?>? _items;
    private bool _isStopping;

    /// <summary>The program's own; thread-safe by itself.</summary>
    public ConcurrentDictionary<object, object?> Items => _items ??= ConnectionItems.Create();

    /// <summary>In all, unlike the count that the receive loop checks against the limit.</summary>
    public long BytesDiscarded { get; set; }

    /// <summary>For what the connection waited when a test's clock stood still; written once, read without the lock.</summary>
    public string? WaitedFor
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>A token for the first cause of death.</summary>
    public CancellationToken ClosedToken(bool isClosing) => Token(ref _closedSource, isClosing);

    /// <summary>A token for the beginning of the server's stop, and no later than the one above.</summary>
    public CancellationToken StoppingToken(bool isClosing) => Token(ref _stoppingSource, _isStopping || isClosing);

    /// <summary>Completes when the transport is released.</summary>
    /// <param name="released">The reason, if it is.</param>
    public Task<CloseReason> Closed(CloseReason? released)
    {
        if (_closed is null)
        {
            _closed = new TaskCompletionSource<CloseReason>(TaskCreationOptions.RunContinuationsAsynchronously);
            if (released is not null)
            {
                _closed.SetResult(released);
            }
        }

        return _closed.Task;
    }

    /// <summary>Completes when all is sent, or lost.</summary>
    public Task Finished() => Task(ref _finished, isOver: false);

    /// <summary>Completes when the stop need not wait for the connection any more.</summary>
    public Task Ended(bool isEnded) => Task(ref _ended, isEnded);

    /// <summary>The server begins to stop.</summary>
    /// <returns>What is to be cancelled, or null.</returns>
    public CancellationTokenSource? BeginStop()
    {
        _isStopping = true;
        return _stoppingSource;
    }

    /// <summary>There is a cause of death.</summary>
    /// <returns>What is to be cancelled, each may be null.</returns>
    public (CancellationTokenSource? Stopping, CancellationTokenSource? Closed) Close() => (_stoppingSource, _closedSource);

    /// <summary>All is sent, or lost.</summary>
    /// <returns>Who is to be told, or null.</returns>
    public TaskCompletionSource? Finish() => _finished;

    /// <summary>The transport is released.</summary>
    /// <returns>Who is to be told, or null.</returns>
    public TaskCompletionSource<CloseReason>? Release() => _closed;

    /// <summary>The stop need not wait for the connection any more.</summary>
    /// <returns>Who is to be told, or null.</returns>
    public TaskCompletionSource? End() => _ended;

    private static CancellationToken Token(ref CancellationTokenSource? source, bool isOver)
    {
        if (source is null)
        {
            source = new CancellationTokenSource();
            if (isOver)
            {
                // Nobody has registered with it yet, so no code of a user's runs here. With an older one, whoever ends it cancels.
                source.Cancel();
            }
        }

        return source.Token;
    }

    private static Task Task(ref TaskCompletionSource? source, bool isOver)
    {
        if (source is null)
        {
            source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (isOver)
            {
                source.SetResult();
            }
        }

        return source.Task;
    }
}
