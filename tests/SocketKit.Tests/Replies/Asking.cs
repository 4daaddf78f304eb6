using System.Text;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Replies;

/// <summary>Asks a strategy as a connection would.</summary>
internal static class Asking
{
    private static readonly RecordingConnection Connection = new();

    public static Task<Reply> AskAsync(this IReplyStrategy strategy, string text) => strategy.AskAsync(Encoding.UTF8.GetBytes(text));

    public static async Task<Reply> AskAsync(this IReplyStrategy strategy, byte[] message) =>
        await strategy.ReplyAsync(Connection, message).AsTask().Soon();

    public static async Task<Reply> AskInAsync(this IReplyStrategy strategy, Encoding encoding, string text) =>
        await strategy.ReplyAsync(new RecordingConnection { TextEncoding = encoding }, encoding.GetBytes(text));

    public static Reply Ask(this IReplyStrategy strategy, byte[] message) => strategy.ReplyAsync(Connection, message).Now();
}
