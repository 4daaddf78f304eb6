namespace SocketKit.IntegrationTests.Transports.StreamSockets;

/// <summary>A folder for the sockets of one test. It goes with all that is left in it.</summary>
internal sealed class SocketFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sk-");

    public string Path => _folder.FullName;

    /// <summary>A path in the folder, short enough, and not in use yet.</summary>
    public string NewPath() => System.IO.Path.Combine(Path, $"{Guid.NewGuid():N}"[..8]);

    public void Dispose() => _folder.Delete(recursive: true);
}
