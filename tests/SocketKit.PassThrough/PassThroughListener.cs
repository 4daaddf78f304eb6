namespace SocketKit.PassThrough;

/// <summary>Puts a decorator that changes nothing around each connection that it accepts.</summary>
/// <param name="inner">The listener that accepts.</param>
public sealed class PassThroughListener(Listener inner) : DelegatingListener(inner)
{
    public override async ValueTask<Transport?> AcceptAsync() => await base.AcceptAsync().ConfigureAwait(false) is { } accepted ? new PassThroughTransport(accepted) : null;
}
