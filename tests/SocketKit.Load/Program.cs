using System.CommandLine;
using System.CommandLine.Invocation;
using System.Net.Sockets;
using SocketKit;
using SocketKit.Load;
using SocketKit.Load.Driving;

var parsed = CommandLine.Create().Parse(args);
if (parsed.Action is ParseErrorAction error)
{
    error.ShowHelp = false;
}

try
{
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (OperationCanceledException)
{
    return 130;
}
catch (Exception exception) when (exception is WrongReplyException or IOException or TimeoutException or ArgumentException or NotSupportedException or InvalidOperationException or SocketException or ListenException)
{
    // What the user or the server under test did wrong; anything else is a fault of this program and shows with its stack.
    await Console.Error.WriteLineAsync(exception.Message);
    return 1;
}
