using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Settings;

/// <summary>Puts what configuration says of one client over what the program says, and refuses options that cannot start.</summary>
internal sealed class ClientConfiguration(ClientRegistration registration, IConfiguration? configuration) : IPostConfigureOptions<SocketClientOptions>, IValidateOptions<SocketClientOptions>
{
    public void PostConfigure(string? name, SocketClientOptions options)
    {
        if (name != registration.Name || configuration is null)
        {
            return;
        }

        var failures = new List<string>();
        if (SettingsReader.ReadClient(configuration, registration.Section, failures) is { } settings)
        {
            settings.ApplyTo(options, registration.Section, failures);
            if (settings.WaitForConnection is { } wait)
            {
                registration.WaitForConnection = SettingTime.Parse(wait);
            }
        }

        if (failures.Count > 0)
        {
            throw new OptionsValidationException(registration.Name, typeof(SocketClientOptions), failures);
        }
    }

    public ValidateOptionsResult Validate(string? name, SocketClientOptions options)
    {
        if (name != registration.Name)
        {
            return ValidateOptionsResult.Skip;
        }

        var failures = new List<string>();
        if (options.Dialer is null)
        {
            failures.Add($"{registration.Section}:Connect: no address to connect to; type tcp://127.0.0.1:9000, say, or options.Dialer = Dial.Tcp(\"127.0.0.1\", 9000) in the program");
        }

        if (options.Framer is null)
        {
            failures.Add($"{registration.Section}:Framing: is not set; type Lines, say, or options.Framer = Framers.Lines() in the program");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
