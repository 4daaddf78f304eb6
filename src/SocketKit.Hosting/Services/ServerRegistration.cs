using Microsoft.Extensions.DependencyInjection;
using SocketKit.Hosting.Scopes;

namespace SocketKit.Hosting.Services;

/// <summary>What the program has said of one server.</summary>
internal sealed class ServerRegistration(string name, IServiceCollection services) : Registration<SocketServerOptions>("server", name, services)
{
    private readonly IServiceCollection _services = services;

    /// <summary>Strategies in the order in which they are asked: types of services, or instances.</summary>
    public List<object> Replies { get; } = [];

    public override void SetHandler(SocketServerOptions options, IServiceProvider provider)
    {
        if (Replies.Count == 0)
        {
            base.SetHandler(options, provider);
            return;
        }

        if (Handler is not null)
        {
            throw new InvalidOperationException($"The server {Name} has both a handler ({Handler.Name}) and reply strategies; leave one of them out, or let the handler ask the strategies");
        }

        var steps = Replies.Select(entry => ToStep(entry, provider)).ToArray();
        if (steps.All(step => step.Shared is not null))
        {
            options.HandlerFactory = Handlers.Reply([.. steps.Select(step => step.Shared!)]);
            return;
        }

        var shared = new ScopedReplyHandler(provider.GetRequiredService<IServiceScopeFactory>(), steps);
        options.HandlerFactory = _ => shared;
    }

    private ScopedReplyHandler.Step ToStep(object entry, IServiceProvider provider) => entry switch
    {
        IReplyStrategy instance => new(instance, null),
        Type type when HandlerLifetime.IsSingleton(_services, type) => new((IReplyStrategy)provider.GetRequiredService(type), null),
        Type type => new(null, type),
        _ => throw new InvalidOperationException($"{entry} is no strategy"),
    };
}
