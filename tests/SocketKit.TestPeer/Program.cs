using System.Net;
using SocketKit;
using SocketKit.TestPeer;

// The other process of the integration tests. It obeys commands on standard input, one a line, tells what happens on standard output, and
// ends with its standard input, so that none is left behind.
switch (args)
{
    case ["hold", var port, var count]:
        return Holder.Run(int.Parse(port, null), int.Parse(count, null));
    case ["serve", .. var options]:
        return await new ServingPeer(options).RunAsync();
    case ["connect", var endPoint, .. var options]:
        return await new ConnectingPeer(endPoint, options).RunAsync();
    case ["many", var endPoint, var count, .. var options]:
        return await new ManyClients(endPoint.StartsWith('/') ? new UnixEndPoint(endPoint) : IPEndPoint.Parse(endPoint),
            int.Parse(count, null), options).RunAsync();
    case ["tls-flood", var port, var clients]:
        return TlsFlood.Run(int.Parse(port, null), int.Parse(clients, null));
    default:
        Console.Error.WriteLine("usage: hold PORT COUNT | serve [OPTION=VALUE ...] | connect ADDRESS:PORT [OPTION=VALUE ...] | "
            + "many ADDRESS:PORT|PATH COUNT [OPTION=VALUE ...] | tls-flood PORT CLIENTS");
        return 64;
}
