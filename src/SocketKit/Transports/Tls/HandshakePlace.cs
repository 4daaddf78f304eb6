using System.Net;

namespace SocketKit.Transports.Tls;

/// <summary>
/// One handshake's place among those that are worked on, and its way to the thread pool: public-key operations and the building of
/// certificate chains, which may ask the network, are nothing for an event loop.
/// The place is held for work alone: it is given back while the handshake waits for its peer, so that peers which stall take no place from
/// others.
/// </summary>
/// <param name="gate">Null: nobody counts.</param>
/// <param name="from">Whose handshake it is.</param>
internal sealed class HandshakePlace(HandshakeGate? gate, EndPoint? from)
{
    private HandshakeGate.Pass? _pass;
    private volatile bool _canceled;
    private bool _entered;

    /// <summary>
    /// Waits for a place, and goes on in the thread pool, also when the pool is faster than the caller, an event loop perhaps, begins to
    /// wait.
    /// </summary>
    /// <exception cref="OperationCanceledException">The wait was given up; there is no place to give back.</exception>
    public OffStack TakeAsync() => new(TakeInPoolAsync());

    /// <summary>Does nothing without a place.</summary>
    public void GiveBack()
    {
        if (Interlocked.Exchange(ref _pass, null) is { } pass)
        {
            gate!.Leave(pass);
        }
    }

    /// <summary>Ends the wait for a place, and all that would follow. From any thread.</summary>
    public void Cancel()
    {
        _canceled = true;
        Interlocked.MemoryBarrier();
        Volatile.Read(ref _pass)?.Cancel();
    }

    private async ValueTask TakeInPoolAsync()
    {
        if (gate is not null)
        {
            var pass = gate.Enter(from, isFirst: !_entered);
            _entered = true;

            // A full fence: either this sees the cancellation, or the cancellation sees the pass.
            Interlocked.Exchange(ref _pass, pass);
            if (_canceled)
            {
                pass.Cancel();
            }

            try
            {
                await pass.Turn.ConfigureAwait(false);
            }
            catch
            {
                GiveBack();
                throw;
            }
        }

        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
    }
}
