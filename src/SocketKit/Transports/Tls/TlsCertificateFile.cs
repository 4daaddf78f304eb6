using System.Security.Cryptography;
using SocketKit.Diagnostics;

namespace SocketKit.Transports.Tls;

/// <summary>
/// A certificate that follows its files. It compares what they hold, and not their times or names: that is right for links that are swapped
/// (certbot, Kubernetes' <c>..data</c>), copies with old times, and file systems that tell no changes. A handshake looks when the last look
/// is half a second old, and so does the listener's timer; there is no thread and nothing to dispose of. Contents that cannot be loaded may
/// be half written, so they are told only when the next look finds the same.
/// </summary>
internal sealed class TlsCertificateFile : TlsCertificate
{
    /// <summary>Contents that are others at each look are told after so many.</summary>
    private const int PatienceInLooks = 10;

    private readonly string[] _files;
    private readonly Func<byte[][], Loaded> _load;
    private readonly Lock _lock = new();
    private Loaded _current;
    private string _state;
    private string? _suspect;
    private string? _broken;
    private int _failures;
    private string? _shared;
    private string? _sharedTold;
    private bool _refusesSharedKey;
    private long _lookedAt;
    private TimeProvider _lookedBy;

    /// <param name="files">What is read, in the order in which it is loaded.</param>
    /// <param name="load">Makes a certificate of their contents, or throws.</param>
    /// <exception cref="TlsCertificateException">They cannot be loaded now.</exception>
    public TlsCertificateFile(string[] files, Func<byte[][], Loaded> load)
        : base(files[0])
    {
        // A change of the working directory is no change of the certificate.
        _files = [.. files.Select(Path.GetFullPath)];
        _load = load;
        _lookedBy = TimeProvider;
        _lookedAt = _lookedBy.GetTimestamp();
        try
        {
            var contents = Read(out _shared);
            _state = StateOf(contents);
            _current = load(contents);
        }
        catch (Exception exception) when (IsExpected(exception))
        {
            throw new TlsCertificateException($"Cannot load the certificate {string.Join(" and ", files.Distinct())}: {exception.Message}", exception);
        }
    }

    internal override Loaded Fresh()
    {
        // Who finds another at it takes what there is.
        if (IsDue() && _lock.TryEnter())
        {
            try
            {
                if (IsDue())
                {
                    Look();
                    TellSharedKey();
                    _lookedBy = TimeProvider;
                    Volatile.Write(ref _lookedAt, _lookedBy.GetTimestamp());
                }
            }
            finally
            {
                _lock.Exit();
            }
        }

        return Volatile.Read(ref _current);
    }

    internal override void WarnOfSharedKey()
    {
        // Who looks at this moment tells it, or the next handshake does.
        if (!_lock.TryEnter())
        {
            return;
        }

        try
        {
            TellSharedKey();
        }
        finally
        {
            _lock.Exit();
        }
    }

    internal override string? RefuseSharedKey()
    {
        lock (_lock)
        {
            // Permissions may have changed since the last look.
            Look();
            var why = WhyShared(_shared);
            _refusesSharedKey |= why is null;
            return why;
        }
    }

    private bool IsDue()
    {
        var clock = TimeProvider;
        return clock != _lookedBy || clock.GetElapsedTime(Volatile.Read(ref _lookedAt)) >= LookInterval;
    }

    private void Look()
    {
        byte[][]? contents = null;
        Exception failure;
        string state;
        try
        {
            contents = Read(out var shared);
            state = StateOf(contents);
            if (state == _state)
            {
                Forget();
                _shared = shared;
                return;
            }

            if (state == _broken)
            {
                return;
            }

            if (_refusesSharedKey && WhyShared(shared) is { } why)
            {
                // Its state is not that of the contents alone: with other permissions they are fine.
                contents = null;
                throw new TlsCertificateException(why);
            }

            var loaded = _load(contents);
            Volatile.Write(ref _current, loaded);
            _state = state;
            Forget();
            _shared = shared;
            Log.CertificateRenewed(Logger, ToString(), loaded.Certificate.Thumbprint, loaded.Certificate.NotAfter);
            return;
        }
#pragma warning disable CA1031 // The listener's timer looks as well: whatever a file makes the loader throw must not end the process, and is told.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure = exception;
            state = contents is null ? exception.Message : StateOf(contents);
        }

        _failures++;
        if (state == _suspect || _failures == PatienceInLooks)
        {
            if (state != _broken)
            {
                Log.CertificateBroken(Logger, ToString(), _current.Certificate.NotAfter, failure);
            }

            _broken = state;
        }

        _suspect = state;
    }

    private void Forget()
    {
        _suspect = _broken = null;
        _failures = 0;
    }

    /// <summary>The key's file is the last one.</summary>
    /// <param name="shared">How others can read or write it; null: they cannot.</param>
    private byte[][] Read(out string? shared)
    {
        shared = null;
        var contents = new byte[_files.Length][];
        for (var i = 0; i < _files.Length; i++)
        {
            contents[i] = CertificateContents.Read(_files[i], out var others);
            shared = others.How;
        }

        return contents;
    }

    /// <summary>Once for each way in which they can.</summary>
    private void TellSharedKey()
    {
        if (_shared is { } shared && shared != _sharedTold)
        {
            Log.KeyShared(Logger, _files[^1], shared);
        }

        _sharedTold = _shared;
    }

    private string? WhyShared(string? shared) =>
        shared is null ? null : $"other users can read or write the key in {_files[^1]} ({shared})";

    /// <summary>Tells contents apart without keeping a key in memory twice.</summary>
    private static string StateOf(byte[][] contents) => string.Concat(contents.Select(content => Convert.ToHexString(SHA256.HashData(content))));

    private static bool IsExpected(Exception exception) => exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or NotSupportedException;
}
