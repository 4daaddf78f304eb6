using Microsoft.Extensions.DependencyInjection;

namespace SocketKit.Hosting.Services;

/// <summary>What the program has said of one server or client while services were registered.</summary>
internal abstract class Registration<TOptions>(string role, string name, IServiceCollection services)
    where TOptions : ConnectionOptions
{
    /// <summary>What it is, for messages: server or client.</summary>
    public string Role => role;

    public string Name => name;

    /// <summary>The configuration key of its settings.</summary>
    public string Section { get; set; } = $"SocketKit:{char.ToUpperInvariant(role[0])}{role[1..]}s:{name}";

    public Type? Handler { get; set; }

    /// <summary>What configuration asks no more of connections, although the program did; the start tells it. Null: nothing.</summary>
    public string? Weakened { get; set; }

    /// <summary>Makes the handler what was registered, if one was.</summary>
    public virtual void SetHandler(TOptions options, IServiceProvider provider)
    {
        if (Handler is not null)
        {
            HandlerLifetime.Set(options, provider, services, Handler);
        }
    }
}
