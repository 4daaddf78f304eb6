using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SocketKit.Tests;

/// <summary>Holds the source to the arrows of docs/architecture.md: a room names only types of the rooms that it may see.</summary>
public partial class ArchitectureTests
{
    private const string Abstractions = "Abstractions";
    private const string Roof = "";

    // By folder. Every room sees Abstractions and itself; the roof, which is the root folder, sees all.
    private static readonly Dictionary<string, string[]> Sees = new()
    {
        [Abstractions] = [],
        ["Addresses"] = ["Transports/Tls"],
        ["Clients"] = ["Clock", "Connections", "Diagnostics"],
        ["Clock"] = ["Diagnostics"],
        ["Connections"] = ["Clock", "Diagnostics", "Framing", "Heartbeats"],
        ["Diagnostics"] = [],
        ["Framing"] = [],
        ["Handlers"] = ["Replies"],
        ["Heartbeats"] = [],
        ["Replies"] = [],
        ["Servers"] = ["Clock", "Connections", "Diagnostics"],
        ["Transports/Epoll"] = ["Diagnostics", "Transports/Interop", "Transports/StreamSockets"],
        ["Transports/InMemory"] = [],
        ["Transports/Interop"] = [],
        ["Transports/Sockets"] = ["Clock", "Transports/Interop", "Transports/StreamSockets"],
        ["Transports/StreamSockets"] = ["Diagnostics", "Transports/Interop"],
        ["Transports/Tls"] = ["Diagnostics", "Transports/Interop"],
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
                if (homes.TryGetValue(word, out var rooms) && file.Room != Roof && !rooms.Contains(file.Room) && !rooms.Contains(Abstractions) && !rooms.Overlaps(Sees[file.Room]))
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
        Sources().Select(file => file.Room).Distinct().Should().BeEquivalentTo([Roof, .. Sees.Keys]);
    }

    [Fact]
    public void The_C_library_is_called_from_one_room_alone()
    {
        var calling = Sources().Where(file => file.Code.Contains("LibraryImport", StringComparison.Ordinal) || file.Code.Contains("DllImport(", StringComparison.Ordinal));

        calling.Select(file => file.Room).Distinct().Should().Equal("Transports/Interop");
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

            yield return (name, Path.GetDirectoryName(name)!.Replace('\\', '/'), CommentOrText().Replace(File.ReadAllText(path), " "));
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
