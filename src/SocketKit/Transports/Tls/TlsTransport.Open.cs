using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using SocketKit.Diagnostics;

namespace SocketKit.Transports.Tls;

// The handshake: when it may begin, where it runs, and what happens when it fails.
internal sealed partial class TlsTransport
{
    private readonly HandshakePlace _place;
    private TaskCompletionSource? _opening;

    /// <exception cref="TlsException">The handshake failed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask OpenAsync(CancellationToken cancellationToken)
    {
        await Inner.OpenAsync(cancellationToken).ConfigureAwait(false);
        if (Inner.PreservesMessageBoundaries)
        {
            throw new NotSupportedException("TLS needs a transport that is a stream of bytes, and this one preserves message boundaries");
        }

        var opening = _opening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancellation = cancellationToken.UnsafeRegister(static self => ((TlsTransport)self!).Abort(), this);
        try
        {
            await HandshakeAsync().ConfigureAwait(false);
            _info = _tls!.Info!;
            var isWary = _side.MaySignLater && _info.Protocol == SslProtocols.Tls13;
            _stream.EndHandshake(new TlsIdleWork(_services.TimeProvider, TlsOverhead.Of(_info.Protocol, _info.CipherSuite), isWary));
        }
        catch (Exception exception)
        {
            await LetAlertArriveAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            throw IsAborted ? WireErrors.Aborted() : _stream.Failure ?? _side.Explain(exception, _stream);
        }
        finally
        {
            await cancellation.DisposeAsync().ConfigureAwait(false);
            opening.SetResult();
            _opening = null;
        }

        // Back to the engine, whose thread serves the connection from now on.
        await NextTurn.Of(Inner);
        if (IsAborted)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw WireErrors.Aborted();
        }

        _open = true;
    }

    /// <summary>What the handshake needs, in the order of its price: something to read, which holds nothing; a place among those that are
    /// worked on; and the public-key operations, on the thread pool.</summary>
    private async ValueTask HandshakeAsync()
    {
        if (_side.Gate is not null)
        {
            await Inner.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
        }

        await _place.TakeAsync();
        try
        {
            _stream.BeginHandshake(_place);
            await AuthenticateAsync().ConfigureAwait(false);
        }
        finally
        {
            _place.GiveBack();
        }
    }

    private async ValueTask AuthenticateAsync()
    {
        var tls = _tls = new TlsStream(_stream, _services.Logger);
        using var measured = TlsHandshake.Begin(_side.IsServer, _services.TimeProvider);
        try
        {
            await _side.AuthenticateAsync(tls, _services).ConfigureAwait(false);
            measured.Succeeded(tls.SslProtocol);
        }
        catch (Exception exception)
        {
            measured.Failed(ErrorOf(exception));
            throw;
        }
    }

    /// <summary>Why the handshake failed, as a metric tells it: from a closed list, and nothing that a peer says.</summary>
    private string ErrorOf(Exception exception) => IsAborted
        ? TlsHandshake.Cancelled
        : _stream.Failure switch
        {
            null => _side.Explain(exception, _stream) is TlsException { Failure: var failure } ? failure.ToString() : TlsHandshake.OtherError,
            TlsException { Failure: var failure } => failure.ToString(),
            var failure => WireErrors.IsReset(failure)
                ? nameof(CloseKind.PeerReset)
                : nameof(CloseKind.TransportFailed),
        };

    /// <summary>
    /// Who is refused shall learn why: without an orderly end, and with bytes left unread, the reset that follows would overtake the alert.
    /// </summary>
    private async ValueTask LetAlertArriveAsync()
    {
        if (IsAborted || _stream.Failure is not null)
        {
            return;
        }

        try
        {
            await Inner.CompleteOutputAsync().ConfigureAwait(false);
            await DrainAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // The peer is gone, and the reason is known already.
        }
    }
}
