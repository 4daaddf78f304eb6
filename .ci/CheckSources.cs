// Checks where packages come from: dotnet run .ci/CheckSources.cs, behind a build and "dotnet tool restore". Prints "ok ..." and "FAIL ..."
// lines. The packages of the library, of the samples and the tools must have the hashes in .ci/packages.sha512; "-- --update" writes that
// file anew. Those of tests have NuGet's own lock files. The local packages have another hash after each build: what counts of them is that
// they came from the local feed.
using System.Text.Json;

const string Locked = ".ci/packages.sha512";
const string Local = "artifacts/packages";
const string NotRestored = "it is not restored";
const string LocalVersion = "0.0.0-local";
int failures = 0;

// The SDK names their versions; global.json names the SDK.
string[] OfTheSdk = ["Microsoft.NET.ILLink.Tasks", "Microsoft.DotNet.ILCompiler", "runtime.linux-x64.Microsoft.DotNet.ILCompiler"];

var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
string[] projects = [.. Directory.GetFiles("samples", "*.csproj", SearchOption.AllDirectories).Concat(Directory.GetFiles("src", "*.csproj", SearchOption.AllDirectories)).Order(StringComparer.Ordinal)];
foreach (string project in projects)
{
    string assets = Path.Combine(Path.GetDirectoryName(project)!, "obj", "project.assets.json");
    if (!File.Exists(assets))
    {
        Check($"{project} is restored", false, "there is no project.assets.json");
        continue;
    }

    using JsonDocument document = JsonDocument.Parse(File.ReadAllText(assets));
    string folder = document.RootElement.GetProperty("packageFolders").EnumerateObject().First().Name;
    foreach (JsonProperty library in document.RootElement.GetProperty("libraries").EnumerateObject().Where(one => one.Value.GetProperty("type").GetString() == "package"))
    {
        if (OfTheSdk.Any(name => library.Name.StartsWith(name + "/", StringComparison.Ordinal)))
        {
            continue;
        }

        if (library.Name.StartsWith("SocketKit", StringComparison.Ordinal))
        {
            string source = Source(Path.Combine(folder, library.Value.GetProperty("path").GetString()!));
            Check($"{library.Name} of {project} comes from the local feed", library.Name.EndsWith("/" + LocalVersion, StringComparison.Ordinal) && IsLocal(source), source);
        }
        else
        {
            found[library.Name] = library.Value.GetProperty("sha512").GetString()!;
        }
    }
}

string globalPackages = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
using (JsonDocument tools = JsonDocument.Parse(File.ReadAllText(".config/dotnet-tools.json")))
{
    foreach (JsonProperty tool in tools.RootElement.GetProperty("tools").EnumerateObject())
    {
        string version = tool.Value.GetProperty("version").GetString()!;
        string hash = Path.Combine(globalPackages, tool.Name, version, $"{tool.Name}.{version}.nupkg.sha512");
        found[$"{tool.Name}/{version}"] = File.Exists(hash) ? File.ReadAllText(hash) : NotRestored;
    }
}

if (args is ["--update"])
{
    if (failures > 0 || found.ContainsValue(NotRestored))
    {
        Console.WriteLine("FAIL not everything is restored: type dotnet restore and dotnet tool restore");
        return 1;
    }

    File.WriteAllLines(Locked, found.Select(one => $"{one.Value}  {one.Key}"));
    return 0;
}

Dictionary<string, string> locked = File.ReadLines(Locked).ToDictionary(line => line[(line.IndexOf("  ", StringComparison.Ordinal) + 2)..], line => line[..line.IndexOf("  ", StringComparison.Ordinal)]);
foreach ((string name, string hash) in found)
{
    Check($"{name} is the one that is locked", locked.TryGetValue(name, out string? expected) && expected == hash, expected is null ? $"it is not in {Locked}" : "its hash is another");
}

string[] unused = [.. locked.Keys.Except(found.Keys)];
Check($"{Locked} holds nothing else", unused.Length == 0, string.Join(", ", unused));
return failures == 0 ? 0 : 1;

void Check(string what, bool holds, string otherwise)
{
    failures += holds ? 0 : 1;
    Console.WriteLine(holds ? $"ok {what}" : $"FAIL {what}: {otherwise}");
}

static string Source(string package)
{
    using JsonDocument metadata = JsonDocument.Parse(File.ReadAllText(Path.Combine(package, ".nupkg.metadata")));
    return metadata.RootElement.GetProperty("source").GetString()!;
}

static bool IsLocal(string source) => Path.IsPathFullyQualified(source) && Path.GetFullPath(source).TrimEnd(Path.DirectorySeparatorChar) == Path.GetFullPath(Local);
