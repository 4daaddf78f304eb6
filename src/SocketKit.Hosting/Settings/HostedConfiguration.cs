using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Settings;

/// <summary>
/// Puts what configuration says of one server or client over what the program says, and refuses options that cannot start.
/// </summary>
internal abstract class HostedConfiguration<TOptions>(string owner, IConfiguration? configuration) : IPostConfigureOptions<TOptions>, IValidateOptions<TOptions>
    where TOptions : ConnectionOptions
{
    public void PostConfigure(string? name, TOptions options)
    {
        if (name != owner || configuration is null)
        {
            return;
        }

        var failures = new List<string>();
        Apply(configuration, options, failures);
        if (failures.Count > 0)
        {
            throw new OptionsValidationException(owner, typeof(TOptions), failures);
        }
    }

    public ValidateOptionsResult Validate(string? name, TOptions options)
    {
        if (name != owner)
        {
            return ValidateOptionsResult.Skip;
        }

        var failures = new List<string>();
        FindMissing(options, failures);
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    /// <summary>Sets what configuration says.</summary>
    protected abstract void Apply(IConfiguration configuration, TOptions options, List<string> failures);

    /// <summary>Tells what neither the program nor configuration has said.</summary>
    protected abstract void FindMissing(TOptions options, List<string> failures);

    protected static void FindMissingFramer(TOptions options, string section, List<string> failures)
    {
        if (options.Framer is null)
        {
            failures.Add($"{section}:Framing: is not set; type Lines, say, or options.Framer = Framers.Lines() in the program");
        }
    }
}
