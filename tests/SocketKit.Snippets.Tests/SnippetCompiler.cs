using System.Reflection;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace SocketKit.Snippets.Tests;

/// <summary>What the compiler says about a line of a document.</summary>
internal sealed record SnippetError(string Document, int Line, string Text)
{
    public override string ToString() => $"{Document}({Line}): {Text}";
}

/// <summary>Compiles a block and its continuations as one file of a new console project.</summary>
internal static class SnippetCompiler
{
    private const string ImplicitUsings =
        """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    // What an example may leave unused or unawaited for brevity.
    private static readonly string[] Tolerated = ["CS0168", "CS0169", "CS0219", "CS0414", "CS0649", "CS1998", "CS8321"];

    private static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.CSharp14);

    private static readonly Lazy<MetadataReference[]> References = new(() =>
        ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal))
            .Select(path => (MetadataReference)MetadataReference.CreateFromFile(path))
            .ToArray());

    /// <param name="chain">A block that is no continuation, then those that continue it, in order.</param>
    public static IReadOnlyList<SnippetError> Compile(IReadOnlyList<Snippet> chain) =>
        CreateCompilation(chain).GetDiagnostics()
            .Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning && !Tolerated.Contains(diagnostic.Id))
            .Select(diagnostic => ToError(diagnostic, chain[0]))
            .ToList();

    /// <summary>Runs a program of top-level statements to its end; what it throws comes out.</summary>
    /// <param name="chain">A block that is no continuation, then those that continue it, in order.</param>
    /// <returns>What it wrote to the console; null: it is no program, or does not compile.</returns>
    public static string? Run(IReadOnlyList<Snippet> chain)
    {
        using var image = new MemoryStream();
        if (!CreateCompilation(chain).Emit(image).Success || Assembly.Load(image.ToArray()).EntryPoint is not { } main)
        {
            return null;
        }

        TextWriter before = Console.Out;
        using var output = new StringWriter();
        Console.SetOut(output);
        try
        {
            main.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [Array.Empty<string>()], null);
            return output.ToString();
        }
        finally
        {
            Console.SetOut(before);
        }
    }

    private static CSharpCompilation CreateCompilation(IReadOnlyList<Snippet> chain)
    {
        string source = Compose(chain, out bool isProgram);
        return CSharpCompilation.Create(
            "Snippet",
            [CSharpSyntaxTree.ParseText(source, ParseOptions), CSharpSyntaxTree.ParseText(ImplicitUsings, ParseOptions)],
            References.Value,
            new CSharpCompilationOptions(
                isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary,
                nullableContextOptions: NullableContextOptions.Enable));
    }

    private static SnippetError ToError(Diagnostic diagnostic, Snippet first)
    {
        FileLinePositionSpan place = diagnostic.Location.GetMappedLineSpan();
        string text = $"{diagnostic.Id}: {diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture)}";
        return place.HasMappedPath
            ? new SnippetError(place.Path, place.StartLinePosition.Line + 1, text)
            : new SnippetError(first.Document, first.Line, text);
    }

    /// <summary>Puts directives first, then statements or members, then types, each under the line numbers of its document.</summary>
    private static string Compose(IReadOnlyList<Snippet> chain, out bool isProgram)
    {
        Snippet first = chain[0];
        var usings = new StringBuilder();
        var body = new StringBuilder();
        var types = new StringBuilder();

        foreach (Snippet snippet in chain)
        {
            if (first.Kind == SnippetKind.Member)
            {
                Append(body, snippet, 0, snippet.Code);
                continue;
            }

            CompilationUnitSyntax root = CSharpSyntaxTree.ParseText(snippet.Code, ParseOptions).GetCompilationUnitRoot();
            int bodyStart = root.Members.Count > 0 ? root.Members[0].FullSpan.Start : snippet.Code.Length;
            int typesStart = root.Members.FirstOrDefault(member => member is not GlobalStatementSyntax)?.FullSpan.Start ?? snippet.Code.Length;
            Append(usings, snippet, 0, snippet.Code[..bodyStart]);
            Append(body, snippet, bodyStart, snippet.Code[bodyStart..typesStart]);
            Append(types, snippet, typesStart, snippet.Code[typesStart..]);
        }

        bool isFragment = first.Kind is SnippetKind.Member or SnippetKind.Given;
        isProgram = !isFragment && body.Length > 0;
        string own = isFragment ? "using SocketKit;\n" : "";
        string content = first.Kind switch
        {
            SnippetKind.Member => $"class SnippetHost\n{{\n{body}\n#line default\n}}\n",
            SnippetKind.Given => $"class SnippetHost\n{{\nstatic async Task RunAsync({first.Parameters})\n{{\n{body}\n#line default\n}}\n}}\n",
            _ => body.ToString(),
        };
        return $"{own}{usings}{content}{types}";
    }

    private static void Append(StringBuilder part, Snippet snippet, int start, string text)
    {
        if (text.Trim().Length == 0)
        {
            return;
        }

        int line = snippet.Line + snippet.Code.AsSpan(0, start).Count('\n');
        part.Append("\n#line ").Append(line).Append(" \"").Append(snippet.Document).Append("\"\n").Append(text).Append('\n');
    }
}
