using System.Net;
using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Transports.Tls;

/// <summary>A listener whose connections speak TLS. Accepting is the inner listener's affair: the handshake is the connection's.</summary>
internal sealed class TlsListener(Listener inner, TlsServerSide side) : Listener
{
    private readonly List<IDisposable> _watches = [];
    private TimeProvider _timeProvider = TimeProvider.System;
    private ITimer? _looks;
    private int _stopped;

    public override EndPoint EndPoint => inner.EndPoint;

    public override WireProtection Protection => side.Protection | (inner.Protection & WireProtection.LimitsUsers);

    internal override string ProtectionText => $"TLS, {side.ClientPolicy}";

    public override DateTimeOffset? CertificateExpires => side.Certificates.Min(certificate => certificate.NotAfter);

    internal override void UseSlowConsumerTimeout(TimeSpan timeout) => inner.UseSlowConsumerTimeout(timeout);

    internal override void UseServices(ILogger logger, TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        side.UseServices(logger, timeProvider);
        inner.UseServices(logger, timeProvider);
    }

    public override async ValueTask BindAsync(CancellationToken cancellationToken)
    {
        await inner.BindAsync(cancellationToken).ConfigureAwait(false);
        foreach (var certificate in side.Certificates)
        {
            _watches.Add(CertificateExpiry.Watch(certificate.ToString(), () => certificate.NotAfter, _timeProvider));
            certificate.WarnIfExpired();
            certificate.WarnOfSharedKey();
        }

        // Handshakes look by themselves; this is so that a broken file is told before a client comes.
        using (ExecutionContext.SuppressFlow())
        {
            _looks = _timeProvider.CreateTimer(_ => Look(), null, TlsCertificate.LookInterval, TlsCertificate.LookInterval);
        }
    }

    public override async ValueTask<Transport?> AcceptAsync() =>
        await inner.AcceptAsync().ConfigureAwait(false) is { } wire ? new TlsTransport(wire, side) : null;

    public override ValueTask StopAsync()
    {
        Forget();
        return inner.StopAsync();
    }

    public override ValueTask DisposeAsync()
    {
        Forget();
        return inner.DisposeAsync();
    }

    public override string ToString() => TlsDialer.Address(inner.ToString());

    /// <summary>On a timer's thread, so nothing is let out: a clock of somebody else's may throw when it is asked.</summary>
    private void Look()
    {
        try
        {
            side.Look();
        }
#pragma warning disable CA1031 // See above; the next look, or handshake, looks again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            side.LookFailed(exception);
        }
    }

    private void Forget()
    {
        if (_looks is not null && Interlocked.Exchange(ref _stopped, 1) == 0)
        {
            _looks.Dispose();
            _watches.ForEach(static watch => watch.Dispose());
        }
    }
}
