using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text;

namespace Samples;

/// <summary>What the samples share: arguments that are wrong give one line and exit code 1.</summary>
internal static class CommandLine
{
    /// <summary>Refuses numbers outside of a range.</summary>
    public static void Between<T>(this Option<T> option, int lowest, int highest) => option.Validators.Add(result =>
    {
        // A value that is no number is reported already.
        if (result.Tokens is [var token] && int.TryParse(token.Value, out int value) && (value < lowest || value > highest))
        {
            result.AddError($"{option.Name} takes a number from {lowest} to {highest}, not {value}.");
        }
    });

    /// <summary>Refuses what a function refuses, in its words: an address of a wrong form, say.</summary>
    public static void Through<T>(this Option<T> option, Func<string, object> parse) => option.Validators.Add(result =>
    {
        foreach (var token in result.Tokens)
        {
            try
            {
                parse(token.Value);
            }
            catch (Exception exception) when (exception is ArgumentException or IOException or PlatformNotSupportedException)
            {
                result.AddError($"{option.Name}: {exception.Message}");
            }
        }
    });

    /// <summary>Refuses options that another one takes the place of.</summary>
    public static void Replaces(this Option option, RootCommand command, params Option[] others) => command.Validators.Add(result =>
    {
        if (result.GetResult(option) is { Implicit: false } && others.Any(other => result.GetResult(other) is { Implicit: false }))
        {
            result.AddError($"{option.Name} takes the place of {string.Join(" and ", others.Select(other => other.Name))}.");
        }
    });

    /// <summary>Parses the arguments and runs the command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="args">The arguments.</param>
    /// <param name="cancelOnSignal">Whether Ctrl-C and SIGTERM cancel the command's token. A server takes care of them itself.</param>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(this RootCommand command, string[] args, bool cancelOnSignal)
    {
        Console.OutputEncoding = Console.InputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        ParseResult parsed = command.Parse(args);
        if (parsed.Action is ParseErrorAction error)
        {
            error.ShowHelp = false;
        }

        var configuration = new InvocationConfiguration();
        if (!cancelOnSignal)
        {
            configuration.ProcessTerminationTimeout = null;
        }

        return parsed.InvokeAsync(configuration);
    }
}
