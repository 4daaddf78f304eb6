using SocketKit.Diagnostics;

namespace SocketKit.Transports.Tls;

/// <summary>A listener whose connections speak TLS. Accepting is the inner listener's affair: the handshake is the connection's.</summary>
internal sealed class TlsListener(Listener inner, TlsServerSide side) : DelegatingListener(inner)
{
    private readonly List<IDisposable> _watches = [];
    private TransportServices _services = new();
    private ITimer? _looks;
    private int _stopped;

    public override WireProtection Protection => side.Protection | (Inner.Protection & WireProtection.LimitsUsers);

    public override string ProtectionText => $"TLS, {side.ClientPolicy}";

    public override DateTimeOffset? CertificateExpires => side.Certificates.Min(certificate => certificate.NotAfter);

    public override async ValueTask BindAsync(TransportServices services, CancellationToken cancellationToken)
    {
        _services = services;
        side.Serve(services);
        await Inner.BindAsync(services, cancellationToken).ConfigureAwait(false);
        foreach (var certificate in side.Certificates)
        {
            _watches.Add(CertificateExpiry.Watch(certificate.ToString(), () => certificate.NotAfter, services.TimeProvider));
            certificate.WarnIfExpired();
            certificate.WarnOfSharedKey();
        }

        // Handshakes look by themselves; this is so that a broken file is told before a client comes.
        using (ExecutionContext.SuppressFlow())
        {
            _looks = services.TimeProvider.CreateTimer(_ => Look(), null, TlsCertificate.LookInterval, TlsCertificate.LookInterval);
        }
    }

    public override async ValueTask<Transport?> AcceptAsync() =>
        await Inner.AcceptAsync().ConfigureAwait(false) is { } accepted ? new TlsTransport(accepted, side, _services) : null;

    public override ValueTask StopAsync()
    {
        Forget();
        return base.StopAsync();
    }

    public override ValueTask DisposeAsync()
    {
        Forget();
        return base.DisposeAsync();
    }

    public override string ToString() => TlsDialer.Address(Inner.ToString());

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
