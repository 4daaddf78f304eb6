using Microsoft.Extensions.Options;
using SocketKit;

namespace HostedReplies;

/// <summary>Runs the application and turns a start that fails into one line for each thing that is wrong.</summary>
internal static class Startup
{
    public static async Task<int> RunAsync(WebApplication app)
    {
        try
        {
            await app.RunAsync();
            return 0;
        }
        catch (ListenException)
        {
            // The log has the line already: event 80.
            return 1;
        }
        catch (OptionsValidationException exception)
        {
            await TellAsync(exception.Failures);
            return 1;
        }
        catch (AggregateException exception) when (exception.InnerExceptions.All(inner => inner is OptionsValidationException))
        {
            await TellAsync(exception.InnerExceptions.Cast<OptionsValidationException>().SelectMany(inner => inner.Failures));
            return 1;
        }
        catch (IOException exception)
        {
            // Kestrel's address is in use.
            await TellAsync([exception.Message]);
            return 1;
        }
    }

    private static async Task TellAsync(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            await Console.Error.WriteLineAsync(line);
        }
    }
}
