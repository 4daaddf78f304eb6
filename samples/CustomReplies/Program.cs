using SocketKit;
using Spectre.Console;

AnsiConsole.WriteLine($"CustomReplies uses {typeof(ISocketServer).Assembly.GetName().Name}");
