namespace SocketKit.Snippets.Tests;

public class SnippetTests
{
    public static TheoryData<string> AllDocuments => new(Documents.Names);

    public static TheoryData<string, int> AllSnippets
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (Snippet snippet in Documents.Names.SelectMany(ReadOrNothing))
            {
                data.Add(snippet.Document, snippet.Line);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(AllDocuments))]
    public void Annotations_follow_the_rules(string document)
    {
        Action read = () => Documents.Read(document);

        read.Should().NotThrow();
    }

    [Theory]
    [MemberData(nameof(AllSnippets))]
    public void Snippet_compiles(string document, int line)
    {
        IReadOnlyList<Snippet> snippets = Documents.Read(document);
        Snippet snippet = snippets.Single(candidate => candidate.Line == line);
        IReadOnlyList<Snippet> chain = Documents.ChainOf(snippets, snippet);

        // A chain is compiled whole; each block answers for its own lines, the first one for what has no line.
        IEnumerable<SnippetError> errors = SnippetCompiler.Compile(chain)
            .Where(error => snippet.Covers(error.Line) || (snippet == chain[0] && !chain.Any(block => block.Covers(error.Line))));

        string report = string.Join('\n', errors);
        report.Should().BeEmpty();
    }

    // Its document fails in Annotations_follow_the_rules.
    private static IReadOnlyList<Snippet> ReadOrNothing(string document)
    {
        try
        {
            return Documents.Read(document);
        }
        catch (SnippetFormatException)
        {
            return [];
        }
    }
}
