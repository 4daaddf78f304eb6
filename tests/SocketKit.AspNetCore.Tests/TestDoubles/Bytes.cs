using System.Buffers;

namespace SocketKit.AspNetCore.Tests.TestDoubles;

/// <summary>Bytes that tell where they belong.</summary>
internal static class Bytes
{
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(60);

    /// <summary>What the machine may be busy with besides; a time that fails for good takes far longer.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);

    public static byte[] Pattern(int length)
    {
        var bytes = new byte[length];
        new Random(17).NextBytes(bytes);
        return bytes;
    }

    public static async Task<string> ReadLineAsync(this StreamReader reader, TimeSpan bound) => await reader.ReadLineAsync().WaitAsync(bound) ?? throw new EndOfStreamException();

    public static Task<T> InTime<T>(this ValueTask<T> task) => task.AsTask().WaitAsync(Bound);

    public static Task InTime(this ValueTask task) => task.AsTask().WaitAsync(Bound);

    public static Task<T> InTime<T>(this Task<T> task) => task.WaitAsync(Bound);

    public static Task InTime(this Task task) => task.WaitAsync(Bound);

    public static string Text(this ReadOnlySequence<byte> sequence) => System.Text.Encoding.Latin1.GetString(sequence.ToArray());
}
