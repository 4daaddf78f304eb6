using System.Net;
using System.Text;

namespace SocketKit.Tests.TestDoubles;

/// <summary>A connection without a wire: keeps what is sent, and takes note of how it is closed.</summary>
internal sealed class RecordingConnection : IConnection
{
    private static long _lastId;
    private readonly TaskCompletionSource<CloseReason> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _closedToken = new();
    private readonly List<byte[]> _sent = [];

    public long Id { get; } = Interlocked.Increment(ref _lastId);

    public EndPoint? LocalEndPoint => null;

    public EndPoint? RemoteEndPoint => null;

    public bool IsServer => false;

    public ISocketServer Server => throw new InvalidOperationException("This connection has no server.");

    public ConnectionHandler Handler => throw new InvalidOperationException("This connection has no handler.");

    public string? Name { get; private set; }

    public CancellationToken ClosedToken => _closedToken.Token;

    public Task<CloseReason> Closed => _closed.Task;

    public Encoding TextEncoding { get; init; } = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Keep what is sent? False for tests that count allocations.</summary>
    public bool Records { get; init; } = true;

    /// <summary>What SendAsync returns.</summary>
    public Func<ValueTask> OnSend { get; set; } = () => default;

    /// <summary>What CloseAsync returns.</summary>
    public Func<ValueTask> OnClose { get; set; } = () => default;

    public IReadOnlyList<byte[]> Sent => _sent;

    public IEnumerable<string> SentTexts => _sent.Select(TextEncoding.GetString);

    public long BytesSent { get; private set; }

    public List<string?> Closes { get; } = [];

    public bool Aborted { get; private set; }

    public ValueTask<IConnection?> SetNameAsync(string name, CancellationToken cancellationToken = default)
    {
        Name = name;
        return new((IConnection?)null);
    }

    public ValueTask<bool> TrySetNameAsync(string name, CancellationToken cancellationToken = default)
    {
        Name = name;
        return new(true);
    }

    public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
    {
        BytesSent += message.Length;
        if (Records)
        {
            _sent.Add(message.ToArray());
        }

        return OnSend();
    }

    public bool TrySend(ReadOnlyMemory<byte> message)
    {
        BytesSent += message.Length;
        if (Records)
        {
            _sent.Add(message.ToArray());
        }

        return true;
    }

    public ValueTask<Message> RequestAsync(ReadOnlyMemory<byte> request, RequestOptions options = default, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("No peer answers here.");

    public ValueTask CloseAsync(string? detail = null, CancellationToken cancellationToken = default)
    {
        Closes.Add(detail);
        End(CloseKind.LocalClosed);
        return OnClose();
    }

    public void Abort(string? detail = null)
    {
        Aborted = true;
        End(CloseKind.Aborted);
    }

    public static CloseReason PeerClosed { get; } = new(CloseKind.PeerClosed, ClosePhase.Open, CloseParty.Peer, null, null);

    private void End(CloseKind kind)
    {
        _closed.TrySetResult(new(kind, ClosePhase.Open, CloseParty.Local, null, null));
        _closedToken.Cancel();
    }
}
