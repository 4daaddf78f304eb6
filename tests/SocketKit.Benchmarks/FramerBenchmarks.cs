using System.Buffers;
using BenchmarkDotNet.Attributes;

namespace SocketKit.Benchmarks;

/// <summary>
/// One message of 32 bytes in and out of each framer; the Read is on the first of 100 frames in a row. Allocated must be 0.
/// </summary>
[MemoryDiagnoser]
[HideColumns("Error", "StdDev", "Median", "RatioSD")]
public class FramerBenchmarks
{
    private readonly byte[] _message = new byte[32];
    private readonly ArrayBufferWriter<byte> _output = new(64 * 1024);
    private IFramer _framer = null!;
    private byte[] _input = null!;

    [Params("Length4", "Length2Little", "Varint", "Lines", "Delimiter", "Delimiters", "Fixed", "Marks", "Raw")]
    public string Framer { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _message.AsSpan().Fill((byte)'x');
        _framer = Framer switch
        {
            "Length4" => Framers.LengthPrefixed(),
            "Length2Little" => Framers.LengthPrefixed(LengthField.TwoBytes, ByteOrder.LittleEndian),
            "Varint" => Framers.LengthPrefixed(LengthField.Varint),
            "Lines" => Framers.Lines(),
            "Delimiter" => Framers.Delimited("||"),
            "Delimiters" => Framers.Delimited(new DelimitedOptions("||", ";")),
            "Fixed" => Framers.FixedSize(32),
            "Marks" => Framers.Enclosed("<<", ">>"),
            _ => Framers.Raw(),
        };
        for (var i = 0; i < 100; i++)
        {
            _framer.Write(_message, _output);
        }

        _input = _output.WrittenSpan.ToArray();
    }

    [Benchmark]
    public Frame Read() => _framer.Read(_input, 0);

    [Benchmark]
    public int Write()
    {
        _output.ResetWrittenCount();
        _framer.Write(_message, _output);
        return _output.WrittenCount;
    }
}
