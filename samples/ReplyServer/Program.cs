using SocketKit;
using Spectre.Console;

AnsiConsole.WriteLine($"ReplyServer uses {typeof(ISocketServer).Assembly.GetName().Name}");
