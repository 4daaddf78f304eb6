using System.Buffers;
using SocketKit.Connections;

namespace SocketKit.Tests.TestDoubles;

/// <summary>Settings of a connection that a test makes no connection of.</summary>
internal static class TestSettings
{
    /// <summary>A client's, with a framer that writes a message as it is.</summary>
    public static ConnectionSettings Create(Action<SocketClientOptions>? configure = null)
    {
        var options = new SocketClientOptions
        {
            Framer = new TestFramer { OnWrite = (message, output) => output.Write(message) },
        };
        configure?.Invoke(options);
        return new ConnectionSettings(options, nameof(SocketClientOptions), handlerRequired: false);
    }
}
