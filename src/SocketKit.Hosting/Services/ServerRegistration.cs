using Microsoft.Extensions.DependencyInjection;
using SocketKit.Hosting.Scopes;

namespace SocketKit.Hosting.Services;

/// <summary>What the program has said of one server while services were registered.</summary>
internal sealed class ServerRegistration(string name, IServiceCollection services)
{
    public string Name => name;

    /// <summary>The configuration key of its settings.</summary>
    public string Section { get; set; } = "SocketKit:Servers:" + name;

    public Type? Handler { get; set; }

    /// <summary>Strategies in the order in which they are asked: types of services, or instances.</summary>
    public List<object> Replies { get; } = [];

    /// <summary>Makes the handler what was registered.</summary>
    public void SetHandler(SocketServerOptions options, IServiceProvider provider)
    {
        if (Handler is not null && Replies.Count > 0)
        {
            throw new InvalidOperationException($"The server {Name} has both a handler ({Handler.Name}) and reply strategies; leave one of them out, or let the handler ask the strategies");
        }

        if (Handler is not null)
        {
            HandlerLifetime.Set(options, provider, services, Handler);
        }
        else if (Replies.Count > 0)
        {
            var steps = Replies.Select(entry => ToStep(entry, provider)).ToArray();
            if (steps.All(step => step.Shared is not null))
            {
                options.Handler = SocketKit.Handler.Reply([.. steps.Select(step => step.Shared!)]);
            }
            else
            {
                var shared = new ScopedReplyHandler(provider.GetRequiredService<IServiceScopeFactory>(), steps);
                options.Handler = _ => shared;
            }
        }
    }

    private ScopedReplyHandler.Step ToStep(object entry, IServiceProvider provider) => entry switch
    {
        IReplyStrategy instance => new(instance, null),
        Type type when HandlerLifetime.IsSingleton(services, type) => new((IReplyStrategy)provider.GetRequiredService(type), null),
        Type type => new(null, type),
        _ => throw new InvalidOperationException($"{entry} is no strategy"),
    };
}
