using System.CommandLine;

namespace SocketKit.Load.Measuring;

/// <summary>Which processors the server and the load run on.</summary>
internal sealed class Pins
{
    private readonly Option<int> _server = new("--server-processor") { Description = "The processor of the server.", DefaultValueFactory = _ => 0 };
    private readonly Option<int> _load = new("--load-processor") { Description = "The processor of the load's first thread.", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _none = new("--no-pin") { Description = "Let the system choose the processors." };

    public void AddTo(Command command)
    {
        _server.Between(0, Environment.ProcessorCount - 1);
        _load.Between(0, Environment.ProcessorCount - 1);
        command.Options.Add(_server);
        command.Options.Add(_load);
        command.Options.Add(_none);
    }

    /// <exception cref="ArgumentException">Both are the same.</exception>
    public (int? Server, int? Load) Of(ParseResult arguments)
    {
        if (!Processors.CanPin || arguments.GetValue(_none))
        {
            return (null, null);
        }

        var pins = (Server: arguments.GetValue(_server), Load: arguments.GetValue(_load));
        return pins.Server != pins.Load ? pins : throw new ArgumentException("--server-processor and --load-processor are not the same.");
    }
}
