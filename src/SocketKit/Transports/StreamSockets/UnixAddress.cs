using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using SocketKit.Diagnostics;
using SocketKit.Transports.Interop;

namespace SocketKit.Transports.StreamSockets;

/// <summary>
/// A Unix socket to listen on. A socket file outlives its process, so one may lie there: on Linux it is cleared away if nobody listens on
/// it, and only then. At the end the file is removed if it is still the one that was made here.
/// </summary>
internal sealed class UnixAddress : StreamAddress
{
    /// <summary>
    /// For so long a socket must have refused connections before it counts as abandoned: one that is bound this very moment refuses, too,
    /// until it listens.
    /// </summary>
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromMilliseconds(100);

    private readonly UnixEndPoint _asked;
    private readonly UnixListenOptions _options;
    private readonly bool _isFile;

    // The folder the process is in may change meanwhile.
    private string _fullPath = "";
    private bool _made;
    private SocketFile? _file;
    private DateTime _written;

    /// <summary>Makes one from a checked path.</summary>
    public UnixAddress(string path, UnixListenOptions options)
    {
        _asked = new UnixEndPoint(path);
        _options = options;
        _isFile = !UnixPath.IsAbstract(path);
    }

    public override EndPoint Asked => _asked;

    public override string Scheme => "unix";

    /// <summary>It limits users if not all of them may write, which is what connecting takes.</summary>
    public override WireProtection Protection => HasMode && (Permissions & UnixFileMode.OtherWrite) == 0
        ? WireProtection.Confidential | WireProtection.LimitsUsers
        : WireProtection.Confidential;

    public override string ProtectionText => HasMode
        ? $"Unix socket, mode {Convert.ToString((int)Permissions, 8)}"
        : "Unix socket for every user";

    private bool HasMode => _isFile && !OperatingSystem.IsWindows();

    private UnixFileMode Permissions => _options.Permissions ?? (UnixFileMode.UserRead | UnixFileMode.UserWrite);

    protected override async ValueTask<Socket> TakeAsync(CancellationToken cancellationToken)
    {
        _fullPath = _isFile ? Path.GetFullPath(_asked.Path!) : "";
        if (_isFile && OperatingSystem.IsLinux())
        {
            CheckFolder(Path.GetDirectoryName(_fullPath)!);
        }

        try
        {
            return Bind();
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse && _isFile && OperatingSystem.IsLinux())
        {
            // Most often somebody listens there, and then nothing needs a lock.
            _ = FindAbandoned();
        }

        using var held = await SocketFileLock.TakeAsync(_fullPath, cancellationToken).ConfigureAwait(false);
        if (FindAbandoned() is { } found)
        {
            await Task.Delay(AbandonedAfter, cancellationToken).ConfigureAwait(false);
            if (FindAbandoned() is { } still && still.IsSameAs(found))
            {
                Clear();
            }
        }

        return Bind();
    }

    public override void GiveBack(Socket socket)
    {
        // Before it is closed: as long as it is open, its file's identity is nobody else's, and nobody takes the path for abandoned.
        Remove();
        socket.Dispose();
    }

    public override void Prepare(Socket accepted)
    {
    }

    public override string Why(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse when !_isFile => "the name is in use by another listener",
        SocketError.AddressAlreadyInUse when OperatingSystem.IsLinux() => exception.Message,
        SocketError.AddressAlreadyInUse => "the path exists; if no server listens on it, delete it",
        SocketError.AccessDenied => $"access denied to the folder {Path.GetDirectoryName(_fullPath)}, or the file system is read-only",
        SocketError.AddressNotAvailable when !Directory.Exists(Path.GetDirectoryName(_fullPath)) => $"there is no folder {Path.GetDirectoryName(_fullPath)}",
        _ => exception.Message,
    };

    /// <summary>Whoever can write the folder, and whoever owns it, can put another socket in the place of this one.</summary>
    [SupportedOSPlatform("linux")]
    private void CheckFolder(string folder)
    {
        if (SocketFile.Find(folder, follows: true) is not { } found)
        {
            return;
        }

        var who = found.IsEverybodys ? "every user can write"
            : !FileOwners.IsTrusted(found.Owner) ? $"user {found.Owner} owns"
            : null;
        if (who is null)
        {
            return;
        }

        if (!_options.AllowSharedFolder)
        {
            throw new ListenException(_asked, $"{who} the folder {folder}, and so can put another socket in the place of this one; use a folder of this user's alone, such as systemd's RuntimeDirectory= makes, or set UnixListenOptions.AllowSharedFolder");
        }

        Log.SocketFolderShared(Services.Logger, folder, who);
    }

    /// <summary>Binds, sets the permissions, and only then listens: until it listens, nobody can connect.</summary>
    private Socket Bind()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            if (OperatingSystem.IsLinux())
            {
                UnixNative.RefuseDescriptors(socket);
                if (_isFile)
                {
                    SocketFile.Limit(socket, Permissions);
                }
            }

            BindTo(socket);
            if (_isFile)
            {
                TakeFile();
            }

            socket.Listen(_options.Backlog);
            return socket;
        }
        catch (Exception exception)
        {
            Remove();
            socket.Dispose();
            if (exception is UnauthorizedAccessException or IOException)
            {
                throw new ListenException(_asked, $"its permissions cannot be set: {exception.Message}", exception);
            }

            throw;
        }
    }

    private void BindTo(Socket socket)
    {
        try
        {
            socket.Bind(_asked);
        }
        catch (SocketException exception)
        {
            if (SystemErrors.Named(exception, () => SystemErrors.Bind(socket, _asked)) is { } named)
            {
                throw named;
            }
        }
    }

    /// <summary>Remembers which file it is, and sets its permissions where the bind has not.</summary>
    private void TakeFile()
    {
        _made = true;
        if (OperatingSystem.IsLinux())
        {
            _file = SocketFile.Find(_fullPath);
            if (_file is { } made && made.Permissions != Permissions)
            {
                made.SetPermissions(_fullPath, Permissions);
            }
        }
        else if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(_fullPath, Permissions);
        }

        _written = File.GetLastWriteTimeUtc(_fullPath);
    }

    /// <summary>Removes the file, if it was made and is still the same.</summary>
    private void Remove()
    {
        if (!_made)
        {
            return;
        }

        _made = false;
        try
        {
            if (IsStillOurs())
            {
                File.Delete(_fullPath);
            }
            else if (File.Exists(_fullPath))
            {
                Log.SocketFileLeftAlone(Services.Logger, _fullPath);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.SocketFileKept(Services.Logger, _fullPath, exception);
        }
    }

    // Where the system does not tell a file's identity, the time at which it was made stands for it.
    private bool IsStillOurs() => _file is { } made && OperatingSystem.IsLinux()
        ? SocketFile.Find(_fullPath) is { } found && found.IsSameAs(made)
        : File.GetLastWriteTimeUtc(_fullPath) == _written;

    /// <summary>Looks whether a dead process has left the path. A socket on which nobody listens refuses connections.</summary>
    /// <returns>What it has left; null: there is nothing any more, or it cannot be seen.</returns>
    /// <exception cref="ListenException">Somebody listens there, it is no socket, or it cannot be told.</exception>
    [SupportedOSPlatform("linux")]
    private SocketFile? FindAbandoned()
    {
        if (SocketFile.Find(_fullPath) is not { } file)
        {
            return null;
        }

        if (!file.IsSocket)
        {
            throw Taken($"there is {file.Kind} of this name, and only a socket that nobody listens on is cleared away");
        }

        // Non-blocking, since a full backlog would block it.
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            probe.Connect(_asked);
        }
        catch (SocketException thrown)
        {
            var exception = SystemErrors.Named(thrown, () => SystemErrors.Connect(probe, _asked));
            switch (exception?.SocketErrorCode)
            {
                case null:
                    // The second time it was connected.
                    break;
                case SocketError.ConnectionRefused when BoundSockets.MayHold(_fullPath, file):
                    throw Taken("a process has it, and does not listen yet, or it cannot be told that none has it");
                case SocketError.ConnectionRefused:
                    return file;
                case SocketError.AddressNotAvailable:
                    return null;
                case SocketError.WouldBlock:
                    break;
                case SocketError.ProtocolType:
                    throw Taken("a datagram socket has this name", exception);
                default:
                    throw Taken($"there is a socket of this name, and it cannot be told whether somebody listens on it: {exception!.Message}", exception);
            }
        }

        throw Taken("another server listens on it");
    }

    private void Clear()
    {
        try
        {
            File.Delete(_fullPath);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Taken($"a dead process has left it, and it cannot be removed: {exception.Message}", exception);
        }

        Log.SocketFileCleared(Services.Logger, _fullPath);
    }

    private ListenException Taken(string why, Exception? cause = null) =>
        new(_asked, $"the path is in use: {why}", new SocketException((int)SocketError.AddressAlreadyInUse, cause?.Message));
}
