using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using SocketKit.IntegrationTests.TestDoubles;

namespace SocketKit.IntegrationTests.Transports.Epoll;

/// <summary>
/// One peer of the stress test, one connection after the other, straight on the engine's transport. It checks that each echo is the next
/// and whole.
/// </summary>
internal sealed class StressPeer(int number, IPEndPoint server, long goal)
{
    private const int MostInBatch = 64;

    private readonly Random _random = new(number);
    private readonly byte[] _out = new byte[MostInBatch * StressServer.Frame];
    private readonly byte[] _in = new byte[16 * 1024];
    private Transport _transport = null!;
    private int _start;
    private int _end;
    private long _sent;
    private long _expected;

    /// <summary>How a connection ends.</summary>
    internal enum End
    {
        Finish,
        AbortIdle,
        AbortInSend,
        AbortBesideSend,
        ServerCloses,
        ServerAborts,
    }

    public long Echoed { get; private set; }

    public long Pushed { get; private set; }

    public long Cut { get; private set; }

    public long Connections { get; private set; }

    public int[] Ends { get; } = new int[Enum.GetValues<End>().Length];

    public async Task RunAsync()
    {
        while (Echoed < goal)
        {
            _start = _end = 0;
            _sent = _expected = 0;
            _transport = await TestEngine.Dial(server).DialAsync(new(), CancellationToken.None).ConfigureAwait(false);
            Connections++;
            for (var batches = _random.Next(1, 80); batches > 0 && Echoed < goal; batches--)
            {
                await BatchAsync(_random.Next(20) == 0 ? StressServer.Push : StressServer.Echo).ConfigureAwait(false);
                await PauseAsync().ConfigureAwait(false);
            }

            await EndAsync((End)_random.Next(Ends.Length)).ConfigureAwait(false);
            Cut += _sent - _expected;
            _transport.Abort();
            await _transport.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Sends some and takes their echoes.</summary>
    private async Task BatchAsync(byte kind)
    {
        await _transport.SendAsync(Fill(kind, _random.Next(1, MostInBatch + 1))).ConfigureAwait(false);
        while (_expected < _sent)
        {
            (await ReceiveAsync().ConfigureAwait(false)).Should().BeTrue("the connection lives");
        }
    }

    private async Task EndAsync(End end)
    {
        Ends[(int)end]++;
        switch (end)
        {
            case End.Finish:
                await _transport.SendAsync(Fill(StressServer.Echo, MostInBatch)).ConfigureAwait(false);
                await _transport.CompleteOutputAsync().ConfigureAwait(false);
                await DrainAsync().ConfigureAwait(false);
                _expected.Should().Be(_sent, "what was sent before the end is echoed");
                break;
            case End.AbortIdle:
                _transport.Abort();
                break;
            case End.AbortInSend:
                var send = _transport.SendAsync(Fill(StressServer.Push, MostInBatch)).AsTask();
                _transport.Abort();
                await SwallowAsync(send).ConfigureAwait(false);
                break;
            case End.AbortBesideSend:
                var transport = _transport;
                var abort = Task.Run(transport.Abort);
                await SwallowAsync(_transport.SendAsync(Fill(StressServer.Echo, MostInBatch)).AsTask()).ConfigureAwait(false);
                await SwallowAsync(DrainAsync()).ConfigureAwait(false);
                await abort.ConfigureAwait(false);
                break;
            case End.ServerCloses:
                // Only those before the close are sure to be echoed.
                await BatchAsync(StressServer.Echo).ConfigureAwait(false);
                await _transport.SendAsync(Fill(StressServer.Close, 1)).ConfigureAwait(false);
                await DrainAsync().ConfigureAwait(false);
                (_end - _start).Should().Be(0, "a graceful close ends after whole frames");
                break;
            default:
                await SwallowAsync(_transport.SendAsync(Fill(StressServer.Abort, 1)).AsTask()).ConfigureAwait(false);
                await SwallowAsync(DrainAsync()).ConfigureAwait(false);
                break;
        }
    }

    private async Task DrainAsync()
    {
        while (await ReceiveAsync().ConfigureAwait(false))
        {
        }
    }

    /// <summary>Takes what is there, and checks it. False: the end.</summary>
    private async Task<bool> ReceiveAsync()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_end == _in.Length)
        {
            _in.AsSpan(_start, _end - _start).CopyTo(_in);
            (_start, _end) = (0, _end - _start);
        }

        if (_random.Next(4) == 0)
        {
            await _transport.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
        }

        var count = (await _transport.ReceiveAsync(_in.AsMemory(_end)).ConfigureAwait(false)).Count;
        _end += count;
        for (; _end - _start >= StressServer.Frame; _start += StressServer.Frame)
        {
            Check(_in.AsSpan(_start, StressServer.Frame));
        }

        return count > 0;
    }

    private void Check(ReadOnlySpan<byte> frame)
    {
        if (frame[0] == StressServer.Push && frame[1..].IndexOfAnyExcept((byte)0) < 0)
        {
            Pushed++;
            return;
        }

        if (BinaryPrimitives.ReadInt32LittleEndian(frame[4..]) != number
            || BinaryPrimitives.ReadInt64LittleEndian(frame[8..]) != Connections
            || BinaryPrimitives.ReadInt64LittleEndian(frame[16..]) != _expected
            || BinaryPrimitives.ReadInt64LittleEndian(frame[24..]) != Mix(_expected))
        {
            throw new InvalidOperationException($"Peer {number}, connection {Connections}: message {_expected} was expected, not {Convert.ToHexString(frame)}");
        }

        _expected++;
        Echoed++;
    }

    private ReadOnlyMemory<byte> Fill(byte kind, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var frame = _out.AsSpan(i * StressServer.Frame, StressServer.Frame);
            frame.Clear();
            frame[0] = i == 0 ? kind : StressServer.Echo;
            frame[1] = 1;
            BinaryPrimitives.WriteInt32LittleEndian(frame[4..], number);
            BinaryPrimitives.WriteInt64LittleEndian(frame[8..], Connections);
            BinaryPrimitives.WriteInt64LittleEndian(frame[16..], _sent);
            BinaryPrimitives.WriteInt64LittleEndian(frame[24..], Mix(_sent));
            _sent++;
        }

        return _out.AsMemory(0, count * StressServer.Frame);
    }

    private ValueTask PauseAsync()
    {
        switch (_random.Next(8))
        {
            case 0:
                return _transport.YieldAsync();
            case 1:
                Thread.SpinWait(_random.Next(2_000));
                return default;
            default:
                return default;
        }
    }

    private static long Mix(long sequence) => (sequence + 1) * unchecked((long)0x9E3779B97F4A7C15);

    /// <summary>The end of a connection that is cut may show as any error of the wire.</summary>
    private static async Task SwallowAsync(Task task)
    {
        try
        {
            await task.ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            // Cut.
        }
    }
}
