namespace SocketKit.Snippets.Tests;

/// <summary>The documents of the repository whose C# blocks are compiled.</summary>
internal static class Documents
{
    public static string Root { get; } = FindRoot();

    /// <summary>The documents, relative to the root, with forward slashes.</summary>
    public static IReadOnlyList<string> Names { get; } =
        Directory.EnumerateFiles(Root, "README*.md")
            .Append(Path.Combine(Root, "CONTRIBUTING.md"))
            .Concat(Directory.EnumerateDirectories(Path.Combine(Root, "src")).SelectMany(folder => Directory.EnumerateFiles(folder, "README*.md")))
            .Concat(Directory.EnumerateDirectories(Path.Combine(Root, "samples")).SelectMany(folder => Directory.EnumerateFiles(folder, "README*.md")))
            .Concat(Directory.Exists(Path.Combine(Root, "docs")) ? Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories) : [])
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Order(StringComparer.Ordinal)
            .ToList();

    public static IReadOnlyList<Snippet> Read(string name) => SnippetReader.Read(name, File.ReadAllText(Path.Combine(Root, name)));

    /// <summary>The blocks that are compiled together with this one: the one it continues, and all that continue that.</summary>
    public static IReadOnlyList<Snippet> ChainOf(IReadOnlyList<Snippet> snippets, Snippet member)
    {
        int index = snippets.ToList().IndexOf(member);
        int first = index;
        while (snippets[first].Kind == SnippetKind.Continues)
        {
            first--;
        }

        return [snippets[first], .. snippets.Skip(first + 1).TakeWhile(next => next.Kind == SnippetKind.Continues)];
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "SocketKit.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"SocketKit.sln lies nowhere above {AppContext.BaseDirectory}.");
    }
}
