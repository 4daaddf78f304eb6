namespace SocketKit.Snippets.Tests;

public class SnippetCompilerTests
{
    [Fact]
    public void A_program_a_type_members_and_given_statements_compile()
    {
        Compile(Block(1, "using System.Net;\n\nConsole.WriteLine(IPAddress.Loopback);")).Should().BeEmpty();
        Compile(Block(1, "using SocketKit;\n\nsealed class Mine(IConnection connection) { public long Id => connection.Id; }")).Should().BeEmpty();
        Compile(Block(1, "long IdOf(IConnection connection) => connection.Id;", SnippetKind.Member)).Should().BeEmpty();
        Compile(Block(1, "await connection.SendAsync(new byte[] { 1 });", SnippetKind.Given, "IConnection connection")).Should().BeEmpty();
    }

    [Fact]
    public void A_continuation_brings_its_usings_and_types_and_sees_earlier_variables()
    {
        Compile(
            Block(3, "var mine = new Mine(4);"),
            Block(20, "using System.Net;\n\nvar address = new IPEndPoint(IPAddress.Any, mine.Port);\n\nrecord Mine(int Port);", SnippetKind.Continues))
            .Should().BeEmpty();
    }

    [Fact]
    public void A_mistake_is_reported_with_document_line_and_reason()
    {
        Compile(Block(7, "int a = 1;\n\nint b = a.Missing;\nclass C { Absent d; }"))
            .Select(error => error.ToString())
            .Should().SatisfyRespectively(
                first => first.Should().StartWith("a.md(10): CS0246: The type or namespace name 'Absent'"),
                second => second.Should().StartWith("a.md(9): CS1061: 'int' does not contain a definition for 'Missing'"));
    }

    [Fact]
    public void A_mistake_in_a_continuation_is_reported_on_its_own_line()
    {
        Compile(Block(3, "int a = 1;"), Block(50, "using System.Net;\n\na.Missing();", SnippetKind.Continues)).Single().Line.Should().Be(52);
    }

    [Fact]
    public void A_syntax_error_is_reported()
    {
        Compile(Block(5, "int a = ;")).Single().Line.Should().Be(5);
    }

    [Fact]
    public void A_file_must_name_the_namespaces_that_it_uses()
    {
        Compile(Block(1, "IConnection? connection = null;")).Should().Contain(error => error.Text.StartsWith("CS0246", StringComparison.Ordinal));
    }

    [Fact]
    public void A_call_that_is_not_awaited_and_a_possible_null_are_mistakes_too()
    {
        Compile(Block(1, "Task.Delay(1);\nstring? s = Environment.GetEnvironmentVariable(\"a\");\nConsole.WriteLine(s.Length);\nawait Task.Yield();"))
            .Select(error => error.Text[..6])
            .Should().BeEquivalentTo("CS4014", "CS8602");
    }

    private static IReadOnlyList<SnippetError> Compile(params Snippet[] chain) => SnippetCompiler.Compile(chain);

    private static Snippet Block(int line, string code, SnippetKind kind = SnippetKind.File, string parameters = "") => new("a.md", line, kind, parameters, code);
}
