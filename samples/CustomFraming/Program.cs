using SocketKit;
using Spectre.Console;

AnsiConsole.WriteLine($"CustomFraming uses {typeof(ISocketServer).Assembly.GetName().Name}");
