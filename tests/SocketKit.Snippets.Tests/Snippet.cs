namespace SocketKit.Snippets.Tests;

/// <summary>How a block becomes a file that compiles.</summary>
internal enum SnippetKind
{
    /// <summary>A file as it stands: a program of top-level statements, or types.</summary>
    File,

    /// <summary>Goes on where the block before it in the same document ended.</summary>
    Continues,

    /// <summary>Members of a class.</summary>
    Member,

    /// <summary>Statements that use variables which the text around them explains.</summary>
    Given,
}

/// <summary>One C# block of a document.</summary>
/// <param name="Document">The document, relative to the repository, with forward slashes.</param>
/// <param name="Line">The line of the first line of code, from 1.</param>
/// <param name="Kind">Its annotation.</param>
/// <param name="Parameters">For <see cref="SnippetKind.Given"/>: the variables as a parameter list.</param>
/// <param name="Code">The text between the fences.</param>
internal sealed record Snippet(string Document, int Line, SnippetKind Kind, string Parameters, string Code)
{
    /// <summary>How many lines of the document the code takes.</summary>
    public int LineCount => Code.Split('\n').Length;

    public bool Covers(int line) => line >= Line && line < Line + LineCount;
}

/// <summary>A document that breaks the rules for snippets.</summary>
internal sealed class SnippetFormatException(string document, int line, string problem) : Exception($"{document}({line}): {problem}");
