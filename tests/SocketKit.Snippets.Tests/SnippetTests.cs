using System.Text.RegularExpressions;

namespace SocketKit.Snippets.Tests;

public partial class SnippetTests
{
    [GeneratedRegex(@"Console\.WriteLine\(.*\);[ ]+// (?<text>.*)$", RegexOptions.Multiline)]
    private static partial Regex Announced();

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

    /// <summary>
    /// The examples of framers and of transports are run, since they may compile and still lose bytes. A comment behind a line of output
    /// says what it must be.
    /// </summary>
    [Theory]
    [InlineData("docs/framing.md", 2)]
    [InlineData("docs/zh-CN/framing.md", 2)]
    [InlineData("docs/transports.md", 2)]
    [InlineData("docs/zh-CN/transports.md", 2)]
    public async Task Examples_of_your_own_parts_work(string document, int atLeast)
    {
        IReadOnlyList<Snippet> snippets = Documents.Read(document);
        IEnumerable<Snippet> examples = snippets.Where(snippet =>
            snippet.Kind == SnippetKind.File && snippet.Code.Contains(" class ", StringComparison.Ordinal));

        int ran = 0;
        foreach (Snippet example in examples)
        {
            IReadOnlyList<Snippet> chain = Documents.ChainOf(snippets, example);
            string? output = await Task.Run(() => SnippetCompiler.Run(chain)).WaitAsync(TimeSpan.FromSeconds(60));
            if (output is null)
            {
                continue;
            }

            ran++;
            string[] announced = [.. Announced().Matches(example.Code).Select(match => match.Groups["text"].Value)];
            if (announced.Length > 0)
            {
                output.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').Should().Equal(announced);
            }
        }

        ran.Should().BeGreaterThanOrEqualTo(atLeast);
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
