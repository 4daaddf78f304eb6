using System.Globalization;
using SocketKit;

namespace CustomReplies;

/// <summary>Answers "倒数 3" by four messages: 3, 2, 1 and 出发!. Several replies: send the first ones, return the last.</summary>
internal sealed class Countdown : IReplyStrategy
{
    private const string Command = "倒数 ";
    private const int Highest = 10;

    public async ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        string text = connection.TextEncoding.GetString(message.Span);
        if (!text.StartsWith(Command, StringComparison.Ordinal) || !int.TryParse(text.AsSpan(Command.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int from))
        {
            return Reply.Pass;
        }

        if (from > Highest)
        {
            return $"最多从 {Highest} 开始!";
        }

        for (int number = from; number > 0; number--)
        {
            await connection.SendAsync(number.ToString(CultureInfo.InvariantCulture), connection.ClosedToken);
        }

        return "出发!";
    }
}
