using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Services;

/// <summary>
/// Options that are right one by one and cannot go together are refused by the server or client itself, which knows no configuration.
/// </summary>
internal static class StartFailure
{
    /// <summary>The same failure with the key that says it, if configuration does.</summary>
    public static Exception Of<TOptions>(OptionsException exception, Registration<TOptions> registration, IServiceProvider services)
        where TOptions : ConnectionOptions
    {
        if (services.GetService<IConfiguration>()?.GetSection(registration.Section) is not { } section || !section.Exists())
        {
            return exception;
        }

        var option = exception.Option[(exception.Option.LastIndexOf('.') + 1)..];
        var key = section.GetSection(option == nameof(ConnectionOptions.Framer) ? "Framing" : option);
        return new OptionsValidationException(registration.Name, typeof(TOptions), [$"{(key.Exists() ? key.Path : section.Path)}: {exception.Message}"]);
    }
}
