using SocketKit;
using Spectre.Console;

AnsiConsole.WriteLine($"ReplyClient uses {typeof(ISocketServer).Assembly.GetName().Name}");
