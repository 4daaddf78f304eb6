// Changes one place after the other in the library's code, and sees whether a test notices: dotnet run .ci/Mutate.cs [-- PART-OF-A-NAME
// ...]. With "-- --check" it runs nothing, and only sees that each place is still there, once. The places are in .ci/mutations.txt, which
// says how an entry reads. Works in a copy of the tree. Prints a line "ok ..." or "FAIL ..." for each entry. An entry fails too if its
// tests fail without the change.
using System.Diagnostics;

const string List = ".ci/mutations.txt";
string copy = Path.Combine(Path.GetTempPath(), "socketkit-mutations");
TimeSpan longest = TimeSpan.FromMinutes(3);

List<Mutation> all = Read(List);
if (args is ["--check"])
{
    foreach (Mutation one in all)
    {
        bool found = one.Place(File.ReadAllText(one.File)) >= 0;
        Tell(found, one, found ? one.File : $"its place is not in {one.File}, or more than once");
    }

    return Environment.ExitCode;
}

Mutation[] chosen = [.. all.Where(one => one.Stays is null && (args.Length == 0 || args.Any(part => one.Name.Contains(part, StringComparison.OrdinalIgnoreCase))))];
CopyTree();
foreach (IGrouping<string, Mutation> project in chosen.GroupBy(one => one.Project))
{
    string[] filters = [.. project.SelectMany(one => one.Tests).Distinct()];
    string whole = $"the tests of {project.Key}, without a change";
    if (Notice(project.Key, filters) is { } failure)
    {
        Console.WriteLine($"FAIL {whole}: {failure}");
        Environment.ExitCode = 1;
        continue;
    }

    Console.WriteLine($"ok {whole}");
    foreach (Mutation one in project)
    {
        string path = Path.Combine(copy, one.File);
        string text = File.ReadAllText(path);
        int place = one.Place(text);
        if (place < 0)
        {
            Tell(false, one, $"its place is not in {one.File}, or more than once");
            continue;
        }

        File.WriteAllText(path, string.Concat(text.AsSpan(0, place), one.New, text.AsSpan(place + one.Old.Length)));
        string? noticed = Notice(one.Project, one.Tests);
        File.WriteAllText(path, text);
        Tell(noticed is not null && noticed != "it does not compile", one, noticed ?? "no test notices");
    }
}

return Environment.ExitCode;

static void Tell(bool good, Mutation one, string what)
{
    Console.WriteLine($"{(good ? "ok" : "FAIL")} {one.Name}: {what}");
    Environment.ExitCode |= good ? 0 : 1;
}

// What is tracked and what is new, as it lies in the tree.
void CopyTree()
{
    if (Directory.Exists(copy))
    {
        Directory.Delete(copy, recursive: true);
    }

    var (_, files) = Run(".", "git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], longest);
    foreach (string file in files.Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(File.Exists))
    {
        string target = Path.Combine(copy, file);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Copy(file, target);
    }
}

// Null: the tests pass. A test that hangs has noticed, too.
string? Notice(string project, IEnumerable<string> tests)
{
    string path = $"tests/{project}";
    var (built, log) = Run(copy, "dotnet", ["build", path, "--nologo", "-v", "quiet", "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false"], TimeSpan.FromMinutes(10));
    if (built != 0)
    {
        Console.WriteLine(log);
        return "it does not compile";
    }

    string filter = string.Join('|', tests.Select(test => $"FullyQualifiedName~.{test}."));
    var (passed, output) = Run(copy, "dotnet", ["test", path, "--no-build", "--nologo", "--filter", filter], longest);
    if (passed == 0)
    {
        return output.Contains("No test matches", StringComparison.Ordinal) ? throw new InvalidOperationException($"{project} has no test {filter}") : null;
    }

    string? failed = output.Split('\n').FirstOrDefault(line => line.StartsWith("  Failed ", StringComparison.Ordinal));
    return failed?.Trim() ?? (passed is null ? "it hangs" : "the tests' process ends");
}

// The exit code is null if the command took too long.
static (int? Code, string Output) Run(string folder, string command, IEnumerable<string> arguments, TimeSpan longest)
{
    using var process = Process.Start(new ProcessStartInfo(command, arguments)
    {
        WorkingDirectory = folder,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
    var error = process.StandardError.ReadToEndAsync();
    var output = process.StandardOutput.ReadToEndAsync();
    bool ended = process.WaitForExit(longest);
    if (!ended)
    {
        process.Kill(entireProcessTree: true);
    }

    string text = output.Wait(longest) && error.Wait(longest) ? output.Result + error.Result : "";
    return (ended ? process.ExitCode : null, text);
}

static List<Mutation> Read(string path)
{
    List<Mutation> all = [];
    foreach (string line in File.ReadLines(path).Where(line => line.Length > 0 && line[0] != '#'))
    {
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        var (key, value) = space < 0 ? (line, "") : (line[..space], line[(space + 1)..]);
        if (key == "==")
        {
            all.Add(new Mutation { Name = value });
            continue;
        }

        Mutation one = all[^1];
        switch (key)
        {
            case "in":
                one.File = value;
                break;
            case "after":
                one.After = value;
                break;
            case "-":
                one.Old = value;
                break;
            case "+":
                one.New = value;
                break;
            case "by":
                (one.Project, one.Tests) = (value.Split(' ')[0], value.Split(' ')[1..]);
                break;
            case "stays":
                one.Stays = value;
                break;
            default:
                throw new InvalidDataException($"{path} has a line that begins with \"{key}\"");
        }
    }

    return all;
}

internal sealed class Mutation
{
    public required string Name { get; init; }

    public string File { get; set; } = "";

    public string After { get; set; } = "";

    public string Old { get; set; } = "";

    public string New { get; set; } = "";

    public string Project { get; set; } = "";

    public string[] Tests { get; set; } = [];

    public string? Stays { get; set; }

    // Negative: it is not there, or with nothing to come after, more than once.
    public int Place(string text)
    {
        int after = text.IndexOf(After, StringComparison.Ordinal);
        int place = after < 0 ? -1 : text.IndexOf(Old, after, StringComparison.Ordinal);
        bool isOne = After.Length > 0 || place < 0 || text.IndexOf(Old, place + 1, StringComparison.Ordinal) < 0;
        return isOne ? place : -1;
    }
}
