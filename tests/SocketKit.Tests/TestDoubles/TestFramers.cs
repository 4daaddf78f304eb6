using System.Buffers;

namespace SocketKit.Tests.TestDoubles;

/// <summary>Lines, by way of functions that a test replaces, and counts of the calls.</summary>
internal sealed class TestFramer : IFramer
{
    private static readonly IFramer Lines = Framers.Lines();

    public delegate Frame Reader(Span<byte> input, long resume);

    public Reader OnRead { get; init; } = Lines.Read;

    public Action<byte[], IBufferWriter<byte>> OnWrite { get; init; } = (message, output) => Lines.Write(message, output);

    public Func<byte[], string> OnDescribe { get; init; } = input => Lines.DescribeIncomplete(input);

    public int Reads { get; private set; }

    public int Writes { get; private set; }

    public Frame Read(Span<byte> input, long resume)
    {
        Reads++;
        return OnRead(input, resume);
    }

    public void Write(ReadOnlySpan<byte> message, IBufferWriter<byte> output)
    {
        Writes++;
        OnWrite(message.ToArray(), output);
    }

    public string DescribeIncomplete(ReadOnlySpan<byte> input) => OnDescribe(input.ToArray());
}
