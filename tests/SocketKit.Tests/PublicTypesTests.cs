using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

/// <summary>What every public type owes the people who use it.</summary>
public partial class PublicTypesTests
{
    // Their name says all that there is to say, or they are looked at through something else.
    private static readonly string[] NothingToShow =
    [
        nameof(GuessThanksSorryOkReplies), // no state
        nameof(TransportServices), // the logger and the clock have no text of their own
    ];

    // Programs derive from these and say themselves what a debugger shows; the library's own derived types say it.
    private static readonly string[] Bases =
    [
        nameof(ConnectionHandler), nameof(ProtocolOptions), nameof(ConnectionOptions), nameof(TlsOptions),
    ];

    [Fact]
    public void What_people_look_at_has_a_text_for_debuggers()
    {
        var silent = typeof(IFramer).Assembly.GetExportedTypes()
            .Where(type => !type.IsInterface && !type.IsEnum && !(type.IsAbstract && type.IsSealed))
            .Where(type => !type.IsAssignableTo(typeof(Exception)) && !type.IsAssignableTo(typeof(Delegate)))
            .Where(type => type.GetCustomAttribute<DebuggerDisplayAttribute>(inherit: true) is null)
            .Where(type => type.GetMethod(nameof(ToString), Type.EmptyTypes)!.DeclaringType!.Namespace == "System")
            .Select(type => type.Name);

        silent.Should().BeEquivalentTo([.. NothingToShow, .. Bases]);
    }

    [Fact]
    public void Every_text_for_debuggers_names_members_that_exist()
    {
        foreach (var type in typeof(IFramer).Assembly.GetTypes())
        {
            foreach (Match match in Expression().Matches(type.GetCustomAttribute<DebuggerDisplayAttribute>(inherit: false)?.Value ?? ""))
            {
                const BindingFlags any = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;
                type.GetMember(match.Groups[1].Value, any).Should().NotBeEmpty($"{type.Name} shows {match.Value}");
            }
        }
    }

    [Fact]
    public void Every_interface_and_abstract_class_says_whether_programs_implement_it_and_how_it_grows()
    {
        var found = 0;
        foreach (var path in Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories))
        {
            if (Generated().IsMatch(path))
            {
                continue;
            }

            foreach (Match type in Declared().Matches(File.ReadAllText(path)))
            {
                var comment = Margin().Replace(type.Groups[1].Value, " ");
                comment.Should().MatchRegex(
                    "Made to be implemented by you|Made for you to derive from|Implement it for test doubles|"
                    + "The library derives from it; programs cannot", type.Groups[2].Value);
                comment.Should().MatchRegex("[Aa] member that a minor version adds|A minor version may add members", type.Groups[2].Value);
                found++;
            }
        }

        found.Should().BeGreaterThan(20);
    }

    [GeneratedRegex(@"\{(\w+)")]
    private static partial Regex Expression();

    [GeneratedRegex(@"[\\/](obj|bin)[\\/]")]
    private static partial Regex Generated();

    [GeneratedRegex(@"((?:^(?:///|\[)[^\n]*\n)+)^public (?:interface|abstract (?:class|record)) (\w+)", RegexOptions.Multiline)]
    private static partial Regex Declared();

    [GeneratedRegex(@"\s*\n///\s*")]
    private static partial Regex Margin();
}
