using System.Globalization;
using SocketKit;

namespace CustomReplies;

/// <summary>
/// Answers "12 * 3" by "36", and passes on what is no such task. One instance serves all connections, so it keeps nothing.
/// </summary>
internal sealed class Calculator : IReplyStrategy
{
    public ValueTask<Reply> ReplyAsync(IConnection connection, ReadOnlyMemory<byte> message) =>
        new(Answer(connection.TextEncoding.GetString(message.Span)));

    private static Reply Answer(string text)
    {
        if (text.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var left, var sign, var right]
            || !decimal.TryParse(left, NumberStyles.Number, CultureInfo.InvariantCulture, out decimal a)
            || !decimal.TryParse(right, NumberStyles.Number, CultureInfo.InvariantCulture, out decimal b))
        {
            return Reply.Pass;
        }

        try
        {
            return sign switch
            {
                "+" => Show(a + b),
                "-" => Show(a - b),
                "*" => Show(a * b),
                "/" => b == 0 ? "除数不能是零!" : Show(a / b),
                _ => Reply.Pass,
            };
        }
        catch (OverflowException)
        {
            return "数太大了!";
        }
    }

    private static Reply Show(decimal result) => result.ToString("0.####", CultureInfo.InvariantCulture);
}
