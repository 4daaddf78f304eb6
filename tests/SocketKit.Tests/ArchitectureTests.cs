using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SocketKit.Tests;

/// <summary>Holds the source to the arrows of docs/architecture.md: a room names only types of the rooms that it may see.</summary>
public partial class ArchitectureTests
{
    // The contracts: what everything may see, wherever the file lies.
    private static readonly string[] Ground =
    [
        "IFramer", "Frame", "IHeartbeatPolicy", "NoHeartbeat", "IReplyStrategy", "Reply", "Transport", "Listener", "Dialer", "DelegatingTransport", "DelegatingListener", "DelegatingDialer", "TransportContext", "HandlerRules", "ReceiveResult", "ThreadPoolYield", "ReusableYield", "NextTurn", "Discarding", "WireErrors", "WireFailure", "ITransportObserver", "SocketEngine", "TcpListenOptions", "TcpDialOptions", "UnixListenOptions", "UnixDialOptions", "UnixEndPoint",
        "BackoffReconnect", "CloseReason", "ConnectionHandler", "ConnectionOptions", "Exceptions", "ExceptionText", "IConnection", "IMessageSender", "IReconnectPolicy", "ISocketClient", "ISocketServer",
        "Message", "MessageSenderExtensions", "WireProtection", "RequestOptions", "ResponseMatch",
        "SocketClientOptions", "SocketServerExtensions", "SocketServerOptions", "TlsInfo",
    ];

    private static readonly string[] Top = ["SocketServer", "SocketServer.Stop", "SocketClient", "Listen", "Dial", "SocketUrl", "TlsUrl", "SocketEngines", "Handler"];

    private static readonly Dictionary<string, string[]> Sees = new()
    {
        ["Ground"] = [],
        ["Diagnostics"] = ["Ground"],
        ["Clock"] = ["Ground", "Diagnostics"],
        ["Framing"] = ["Ground"],
        ["Heartbeats"] = ["Ground"],
        ["Replies"] = ["Ground"],
        ["Transports/InMemory"] = ["Ground"],
        ["Transports/Streams"] = ["Ground"],
        ["Transports/Tcp"] = ["Ground", "Transports/Streams"],
        ["Transports/Unix"] = ["Ground", "Diagnostics", "Transports/Streams"],
        ["Transports/Sockets"] = ["Ground", "Clock", "Transports/Streams", "Transports/Tcp"],
        ["Transports/Epoll"] = ["Ground", "Diagnostics", "Transports/Streams", "Transports/Tcp"],
        ["Transports/Tls"] = ["Ground", "Diagnostics", "Transports/Unix"],
        ["Handlers"] = ["Ground", "Replies"],
        ["Connections"] = ["Ground", "Clock", "Diagnostics", "Framing", "Heartbeats"],
        ["Top"] = ["Ground", "Diagnostics", "Framing", "Heartbeats", "Replies", "Handlers", "Connections", "Transports/InMemory", "Transports/Streams", "Transports/Tcp", "Transports/Unix", "Transports/Sockets", "Transports/Epoll", "Transports/Tls"],
    };

    [Fact]
    public void No_room_names_a_type_that_it_must_not_see()
    {
        var files = Sources().ToArray();
        var homes = new Dictionary<string, HashSet<string>>();
        foreach (var file in files)
        {
            foreach (Match match in Declaration().Matches(file.Code))
            {
                homes.TryAdd(match.Groups[1].Value, []);
                homes[match.Groups[1].Value].Add(file.Room);
            }
        }

        var wrong = new List<string>();
        foreach (var file in files)
        {
            foreach (var word in TypeName().Matches(file.Code).Select(match => match.Value).Distinct())
            {
                if (homes.TryGetValue(word, out var rooms) && !rooms.Contains(file.Room) && !rooms.Overlaps(Sees[file.Room]))
                {
                    wrong.Add($"{file.Name} ({file.Room}) names {word} ({string.Join(", ", rooms)})");
                }
            }
        }

        wrong.Should().BeEmpty();
    }

    [Fact]
    public void Every_source_file_stands_in_a_known_room()
    {
        Sources().Select(file => file.Room).Distinct().Should().BeSubsetOf(Sees.Keys).And.HaveCount(Sees.Count);
    }

    private static IEnumerable<(string Name, string Room, string Code)> Sources()
    {
        var root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "../../src/SocketKit"));
        foreach (var path in Directory.EnumerateFiles(root, "*.cs", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(root, path).Replace('\\', '/');
            if (name.StartsWith("obj/", StringComparison.Ordinal) || name.StartsWith("bin/", StringComparison.Ordinal))
            {
                continue;
            }

            var stem = Path.GetFileNameWithoutExtension(name);
            var folder = Path.GetDirectoryName(name)!.Replace('\\', '/');
            var room = Ground.Contains(stem) ? "Ground" : folder.Length == 0 ? Top.Contains(stem) ? "Top" : "root: " + stem : folder;
            yield return (name, room, CommentOrText().Replace(File.ReadAllText(path), " "));
        }
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/|\$?@?""(?:[^""\\\n]|\\.)*""", RegexOptions.Singleline)]
    private static partial Regex CommentOrText();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record(?:\s+struct)?|delegate\s+[\w?<>\[\]]+)\s+([A-Z]\w+)")]
    private static partial Regex Declaration();

    // Where a type stands, and not a member of the same name: made, named before a member, a type argument or another name, or inherited.
    [GeneratedRegex(@"(?<=\bnew\s+)[A-Z]\w+\b|(?<![\w.])[A-Z]\w+(?=[.<?\[]|\s+\w)|(?<=[<,(:]\s*)[A-Z]\w+(?=\s*[>,)])|(?<=\bis (?:not )?)[A-Z]\w+\b")]
    private static partial Regex TypeName();
}
