using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using SocketKit.Hosting.Services;

namespace SocketKit.Hosting.Settings;

/// <summary>Puts what configuration says of one server over what the program says, and refuses options that cannot start.</summary>
internal sealed class ServerConfiguration(ServerRegistration registration, IConfiguration? configuration) : IPostConfigureOptions<SocketServerOptions>, IValidateOptions<SocketServerOptions>
{
    public void PostConfigure(string? name, SocketServerOptions options)
    {
        if (name != registration.Name || configuration is null)
        {
            return;
        }

        var failures = new List<string>();
        SettingsReader.ReadServer(configuration, registration.Section, failures)?.ApplyTo(options, registration.Section, failures);
        if (failures.Count > 0)
        {
            throw new OptionsValidationException(registration.Name, typeof(SocketServerOptions), failures);
        }
    }

    public ValidateOptionsResult Validate(string? name, SocketServerOptions options)
    {
        if (name != registration.Name)
        {
            return ValidateOptionsResult.Skip;
        }

        var failures = new List<string>();
        if (options.Listeners.Count == 0)
        {
            failures.Add($"{registration.Section}:Listen: no address to listen on; type tcp://127.0.0.1:9000, say, or options.Listeners.Add(Listen.Tcp(9000)) in the program");
        }

        if (options.Framer is null)
        {
            failures.Add($"{registration.Section}:Framing: is not set; type Lines, say, or options.Framer = Framers.Lines() in the program");
        }

        if (options.Handler is null)
        {
            failures.Add($"The server {registration.Name} has no handler; type AddSocketServer<THandler>(\"{registration.Name}\"), or UseReplies<TStrategy>() behind it");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
