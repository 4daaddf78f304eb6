using System.Text.RegularExpressions;

namespace SocketKit.Snippets.Tests;

/// <summary>Finds the C# blocks of a Markdown document and their annotations.</summary>
internal static partial class SnippetReader
{
    private const string Kinds = "Known: 'continues', 'member', 'given TYPE NAME, ...'.";

    [GeneratedRegex(@"^(?<indent>[ \t]*)(?<fence>`{3,}|~{3,})[ \t]*(?<language>[^\s`{]*)[^`]*$")]
    private static partial Regex Fence();

    [GeneratedRegex(@"^\s*<!--\s*snippet:\s*(?<text>.*?)\s*-->\s*$")]
    private static partial Regex Annotation();

    public static IReadOnlyList<Snippet> Read(string document, string text)
    {
        var snippets = new List<Snippet>();
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        (string Text, int Line)? annotation = null;

        for (int i = 0; i < lines.Length; i++)
        {
            if (Fence().Match(lines[i]) is { Success: true } opening)
            {
                int start = i + 1;
                int end = FindEnd(lines, start, opening.Groups["fence"].Value);
                if (end == lines.Length)
                {
                    throw new SnippetFormatException(document, i + 1, "this code block is never closed");
                }

                if (IsCSharp(opening.Groups["language"].Value))
                {
                    string code = string.Join('\n', lines[start..end].Select(line => Unindent(line, opening.Groups["indent"].Length)));
                    snippets.Add(Create(document, start + 1, annotation?.Text, code, snippets.Count > 0));
                    annotation = null;
                }

                i = end;
            }
            else if (Annotation().Match(lines[i]) is { Success: true } match)
            {
                ThrowIfLeftOver();
                annotation = (match.Groups["text"].Value, i + 1);
                continue;
            }

            if (lines[i].Trim().Length > 0)
            {
                ThrowIfLeftOver();
            }
        }

        ThrowIfLeftOver();
        return snippets;

        void ThrowIfLeftOver()
        {
            if (annotation is { } left)
            {
                throw new SnippetFormatException(document, left.Line, "no C# block follows this annotation");
            }
        }
    }

    private static int FindEnd(string[] lines, int start, string fence)
    {
        int end = start;
        while (end < lines.Length && !(lines[end].Trim() is var line && line.Length >= fence.Length && line.All(character => character == fence[0])))
        {
            end++;
        }

        return end;
    }

    private static bool IsCSharp(string language) => language.ToUpperInvariant() is "CSHARP" or "CS" or "C#";

    private static string Unindent(string line, int indent) => line[Math.Min(indent, line.Length - line.TrimStart().Length)..];

    private static Snippet Create(string document, int line, string? annotation, string code, bool hasPrevious)
    {
        (SnippetKind kind, string parameters) = annotation switch
        {
            null => (SnippetKind.File, ""),
            "continues" when hasPrevious => (SnippetKind.Continues, ""),
            "continues" => throw new SnippetFormatException(document, line, "there is no block before it to continue"),
            "member" => (SnippetKind.Member, ""),
            _ when annotation.StartsWith("given ", StringComparison.Ordinal) => (SnippetKind.Given, annotation["given ".Length..]),
            _ => throw new SnippetFormatException(document, line, $"the annotation '{annotation}' is unknown. {Kinds}"),
        };
        return new Snippet(document, line, kind, parameters, code);
    }
}
