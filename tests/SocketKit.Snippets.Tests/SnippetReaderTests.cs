namespace SocketKit.Snippets.Tests;

public class SnippetReaderTests
{
    [Fact]
    public void Only_csharp_blocks_are_snippets_and_know_their_first_line()
    {
        IReadOnlyList<Snippet> snippets = Read("# Title", "```csharp", "int a = 1;", "```", "", "```bash", "dotnet test", "```", "~~~cs", "int b;", "int c;", "~~~");

        snippets.Should().Equal(
            new Snippet("a.md", 3, SnippetKind.File, "", "int a = 1;"),
            new Snippet("a.md", 10, SnippetKind.File, "", "int b;\nint c;"));
    }

    [Fact]
    public void A_block_in_a_list_loses_the_indent_of_its_fence()
    {
        Read("- item", "  ```csharp", "  if (true)", "      return;", "  ```").Single().Code.Should().Be("if (true)\n    return;");
    }

    [Fact]
    public void A_block_inside_a_longer_fence_is_text()
    {
        Read("````markdown", "```csharp", "no code", "```", "````").Should().BeEmpty();
    }

    [Fact]
    public void An_annotation_before_a_block_sets_its_kind()
    {
        IReadOnlyList<Snippet> snippets = Read(
            "```csharp", "int a = 1;", "```",
            "<!-- snippet: continues -->", "", "```csharp", "a++;", "```",
            "<!-- snippet: member -->", "```csharp", "int F() => 1;", "```",
            "<!-- snippet: given int b, Dictionary<int, string> c -->", "```csharp", "b++;", "```");

        snippets.Select(snippet => snippet.Kind).Should().Equal(SnippetKind.File, SnippetKind.Continues, SnippetKind.Member, SnippetKind.Given);
        snippets[3].Parameters.Should().Be("int b, Dictionary<int, string> c");
    }

    [Theory]
    [InlineData("<!-- snippet: continues -->\n```csharp\n```", "a.md(3): there is no block before it to continue")]
    [InlineData("<!-- snippet: ignore -->\n```csharp\n```", "a.md(3): the annotation 'ignore' is unknown.*")]
    [InlineData("<!-- snippet: member -->\ntext\n```csharp\n```", "a.md(1): no C# block follows this annotation")]
    [InlineData("<!-- snippet: member -->\n```bash\n```", "a.md(1): no C# block follows this annotation")]
    [InlineData("<!-- snippet: member -->", "a.md(1): no C# block follows this annotation")]
    [InlineData("\n```csharp\nint a;", "a.md(2): this code block is never closed")]
    public void A_document_that_breaks_the_rules_is_refused(string text, string message)
    {
        Action read = () => SnippetReader.Read("a.md", text);

        read.Should().Throw<SnippetFormatException>().WithMessage(message);
    }

    private static IReadOnlyList<Snippet> Read(params string[] lines) => SnippetReader.Read("a.md", string.Join('\n', lines));
}
