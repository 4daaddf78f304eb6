using System.Text;
using SocketKit;

namespace CustomFraming;

/// <summary>
/// What the telegrams mean: the first byte is the type, the rest is the body. An answer has the type of its question with the highest bit
/// set.
/// </summary>
internal static class Telegram
{
    public const byte Reverse = 0x01;
    public const byte Sum = 0x02;
    public const byte Answer = 0x80;
    public const byte Unknown = 0xFF;

    public static byte[] Of(int type, ReadOnlySpan<byte> body) => [(byte)type, .. body];

    /// <summary>Answers a question: the body reversed, or the sum of its bytes.</summary>
    public static ValueTask AnswerAsync(IConnection connection, ReadOnlyMemory<byte> message)
    {
        byte type = message.Span[0];
        byte[] body = message[1..].ToArray();
        switch (type)
        {
            case Reverse:
                Array.Reverse(body);
                break;
            case Sum:
                body = Encoding.ASCII.GetBytes($"{body.Sum(value => value)}");
                break;
            default:
                type = Unknown;
                break;
        }

        return connection.SendAsync(Of(type | Answer, body));
    }
}
