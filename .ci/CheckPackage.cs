// Checks what was packed: dotnet run .ci/CheckPackage.cs -- FOLDER PACKAGE. Prints "ok ..." and "FAIL ..." lines.
using System.IO.Compression;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Xml.Linq;

const string Core = "SocketKit";
int failures = 0;

(string folder, string Id) = args is [string given, string id] ? (given, id) : throw new ArgumentException("Give the folder that holds the package, and the package's name.");
string Library = $"lib/net10.0/{Id}.dll";
Dictionary<string, byte[]> package = Unzip(Directory.GetFiles(folder, $"{Id}.*.nupkg").Single());
Dictionary<string, byte[]> symbols = Unzip(Directory.GetFiles(folder, $"{Id}.*.snupkg").Single());
XElement metadata = XDocument.Load(new MemoryStream(package[$"{Id}.nuspec"])).Root!.Elements().Single();
string Field(string name) => metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name)?.Value ?? "";
XElement[] dependencies = metadata.Descendants().Where(element => element.Name.LocalName == "dependency").ToArray();

using var image = new PEReader(new MemoryStream(package[Library]));
MetadataReader code = image.GetMetadataReader();
using MetadataReaderProvider symbolProvider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(symbols[$"lib/net10.0/{Id}.pdb"]));
MetadataReader debug = symbolProvider.GetMetadataReader();

TypeDefinition[] types = code.TypeDefinitions.Select(code.GetTypeDefinition)
    .Where(type => (type.Attributes & TypeAttributes.VisibilityMask) == TypeAttributes.Public).ToArray();
Check("the dll has public types", types.Length > 0, "none");
string[] strays = types.Where(type => code.GetString(type.Namespace) != Core).Select(type => code.GetString(type.Name)).ToArray();
Check($"every public type lives in the namespace {Core}", strays.Length == 0, string.Join(", ", strays));
Check("the dll is strongly named", (image.PEHeaders.CorHeader!.Flags & CorFlags.StrongNameSigned) != 0 && !code.GetAssemblyDefinition().PublicKey.IsNil, "no signature");
string[] references = code.AssemblyReferences.Select(handle => code.GetString(code.GetAssemblyReference(handle).Name))
    .Where(name => !name.StartsWith("System.", StringComparison.Ordinal)).ToArray();
string needed = Id == Core ? "Microsoft.Extensions.Logging.Abstractions" : Core;
string[] foreign = references.Where(name => name != needed
    && !(Id != Core && (name.StartsWith("Microsoft.AspNetCore.", StringComparison.Ordinal) || name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)))).ToArray();
Check($"the dll needs the framework and {needed} only", foreign.Length == 0, string.Join(", ", foreign));
// The core has one dependency; a satellite has the core, and what the host consists of. All of them at the floor of the release that they
// were built for.
string[] others = dependencies.Where(dependency => dependency.Attribute("id")!.Value != needed
    && (Id == Core || !dependency.Attribute("id")!.Value.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal))).Select(dependency => dependency.ToString()).ToArray();
Check($"the package depends on {needed}{(Id == Core ? "" : ", and on nothing but Microsoft.Extensions besides")}",
    others.Length == 0 && dependencies.Any(dependency => dependency.Attribute("id")!.Value == needed), string.Join(", ", others));
string[] above = dependencies.Where(dependency => dependency.Attribute("id")!.Value.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal) && dependency.Attribute("version")!.Value != "10.0.0")
    .Select(dependency => dependency.ToString()).ToArray();
Check("dependencies stand at their floor, 10.0.0", above.Length == 0, string.Join(", ", above));
Check("XML documentation is in the package", package.ContainsKey($"lib/net10.0/{Id}.xml"), "missing");
Check("the README is in the package, in both languages",
    package.TryGetValue(Field("readme"), out byte[]? readme) && Encoding.UTF8.GetString(readme) is var text && text.Contains("```csharp", StringComparison.Ordinal) && HasChinese(text), Field("readme"));
Check("the icon is a PNG of 128 x 128",
    package.TryGetValue(Field("icon"), out byte[]? icon) && icon.AsSpan(1, 3).SequenceEqual("PNG"u8) && icon[19] == 128 && icon[23] == 128, Field("icon"));
Check("the licence is MIT", Field("license") == "MIT", Field("license"));
Check("the description is in both languages", HasChinese(Field("description")) && Field("description").Any(char.IsAsciiLetter), Field("description"));
Check("tags, project and repository are given", Field("tags").Length > 0 && Field("projectUrl").Length > 0
    && metadata.Elements().Any(element => element.Name.LocalName == "repository" && element.Attribute("url") is not null), "missing");
Check("the version comes from the tags, not from the local feed", !Field("version").Contains("local", StringComparison.Ordinal), Field("version"));
Check("the symbols belong to the dll", image.ReadDebugDirectory().Any(entry => entry.Type == DebugDirectoryEntryType.CodeView
    && new BlobContentId(debug.DebugMetadataHeader!.Id).Guid == image.ReadCodeViewDebugDirectoryData(entry).Guid), "other id");
string[] documents = debug.Documents.Select(handle => debug.GetString(debug.GetDocument(handle).Name))
    .Where(name => !name.StartsWith("/_", StringComparison.Ordinal)).ToArray();
Check("the symbols name no folder of this machine", documents.Length == 0, string.Join(", ", documents.Take(3)));
string[] machine = [Environment.CurrentDirectory, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)];
string[] leaks = package.Concat(symbols).Where(file => machine.Any(path => path.Length > 1 && Contains(file.Value, path))).Select(file => file.Key).ToArray();
Check("no file of the package names a folder of this machine", leaks.Length == 0, string.Join(", ", leaks));
return failures == 0 ? 0 : 1;

void Check(string name, bool holds, string why)
{
    Console.WriteLine(holds ? $"ok {name}" : $"FAIL {name}: {why}");
    failures += holds ? 0 : 1;
}

static bool HasChinese(string text) => text.Any(character => character is >= '\u4e00' and <= '\u9fff');

static bool Contains(byte[] bytes, string path) =>
    bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(path)) >= 0 || bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes(path)) >= 0;

static Dictionary<string, byte[]> Unzip(string path)
{
    using ZipArchive archive = ZipFile.OpenRead(path);
    return archive.Entries.ToDictionary(entry => entry.FullName, entry =>
    {
        using Stream stream = entry.Open();
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    });
}
