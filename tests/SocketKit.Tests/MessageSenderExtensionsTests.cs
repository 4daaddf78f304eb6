using System.Buffers;
using System.Runtime.InteropServices;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

/// <summary>Callbacks that write the payload, sequences of segments, and which overload is meant.</summary>
public class MessageSenderExtensionsTests
{
    [Fact]
    public async Task A_callback_writes_the_payload_and_it_is_framed_as_any_message()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;

        await connection.SendAsync("state", static (state, writer) => writer.Write(System.Text.Encoding.UTF8.GetBytes(state)));
        await connection.SendAsync("span"u8, static (state, writer) => writer.Write(state));
        await connection.SendAsync(writer => writer.Write("closure"u8));
        await connection.SendAsync(static _ => { });
        connection.TrySend("tried"u8, static (state, writer) => writer.Write(state)).Should().BeTrue();
        connection.TrySend(writer => writer.Write("again"u8)).Should().BeTrue();

        (await peer.ReceiveAsync(6 + 5 + 8 + 1 + 6 + 6)).Should().Be("state\nspan\nclosure\n\ntried\nagain\n");
    }

    [Fact]
    public async Task A_request_may_be_written_by_a_callback()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        using var cancel = new CancellationTokenSource();

        Task<Message>[] requests =
        [
            connection.RequestAsync("a"u8, static (state, writer) => writer.Write(state)).AsTask(),
            connection.RequestAsync("b"u8, static (state, writer) => writer.Write(state), new() { Timeout = TimeSpan.FromSeconds(1) }).AsTask(),
            connection.RequestAsync("c"u8, static (state, writer) => writer.Write(state), cancel.Token).AsTask(),
            connection.RequestAsync(writer => writer.Write("d"u8)).AsTask(),
            connection.RequestAsync(writer => writer.Write("e"u8), new() { Timeout = TimeSpan.FromSeconds(1) }).AsTask(),
            connection.RequestAsync(writer => writer.Write("f"u8), cancel.Token).AsTask(),
        ];

        (await peer.ReceiveAsync(12)).Should().Be("a\nb\nc\nd\ne\nf\n");
        await peer.SendAsync("1\n2\n3\n4\n5\n6\n");
        (await Task.WhenAll(requests).Soon()).Select(response => response.ToString()).Should().Equal("1", "2", "3", "4", "5", "6");
    }

    [Fact]
    public async Task A_callback_that_throws_sends_nothing_and_its_exception_comes_out()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        Action<int, IBufferWriter<byte>> fails = static (state, writer) =>
        {
            writer.Write("half"u8);
            throw new ArithmeticException();
        };

        FluentActions.Invoking(() => { _ = connection.SendAsync(0, fails); }).Should().Throw<ArithmeticException>();
        FluentActions.Invoking(() => connection.TrySend(0, fails)).Should().Throw<ArithmeticException>();
        FluentActions.Invoking(() => { _ = connection.RequestAsync(0, fails); }).Should().Throw<ArithmeticException>();
        await connection.SendAsync("whole"u8, static (state, writer) => writer.Write(state));

        (await peer.ReceiveAsync(6)).Should().Be("whole\n");
        await peer.SendAsync("no response\n");
        bed.Session.Messages.Should().Equal(["no response"], "no request was made");
    }

    [Fact]
    public async Task A_message_that_cannot_be_framed_or_has_no_connection_fails_as_any_other()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        Action<IBufferWriter<byte>> twoLines = static writer => writer.Write("a\nb"u8);

        FluentActions.Invoking(() => { _ = connection.SendAsync(twoLines); }).Should().Throw<FramingException>();
        connection.TrySend(twoLines).Should().BeFalse();
        connection.Closed.IsCompleted.Should().BeFalse();

        connection.Abort();
        FluentActions.Invoking(() => { _ = connection.SendAsync(static writer => writer.Write("x"u8)); }).Should().Throw<ConnectionClosedException>();
        connection.TrySend(static writer => writer.Write("x"u8)).Should().BeFalse();
    }

    [Theory]
    [InlineData("complete")]
    [InlineData("throws")]
    [InlineData("cannot be framed")]
    [InlineData("closed")]
    public async Task The_scratch_memory_goes_back_to_the_pool_in_every_case(string way)
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        if (way == "closed")
        {
            connection.Abort();
        }

        byte[]? scratch = null;
        try
        {
            await connection.SendAsync(writer =>
            {
                // A size of its own, which nothing else here asks the pool for.
                scratch = ArrayOf(writer.GetMemory(3_000_000));
                writer.Write(way == "cannot be framed" ? "\n"u8 : "text"u8);
                if (way == "throws")
                {
                    throw new ArithmeticException();
                }
            });
        }
        catch (Exception exception) when (exception is ArithmeticException or FramingException or ConnectionClosedException)
        {
        }

        var again = ArrayPool<byte>.Shared.Rent(3_000_000);
        again.Should().BeSameAs(scratch);
        ArrayPool<byte>.Shared.Return(again);
    }

    [Fact]
    public void The_writer_is_dead_after_its_callback_and_on_other_threads()
    {
        var connection = new RecordingConnection();
        IBufferWriter<byte>? kept = null;
        Exception? elsewhere = null;
        connection.SendAsync(writer =>
        {
            kept = writer;
            var thread = new Thread(() => elsewhere = Record.Exception(() => writer.GetSpan(1)));
            thread.Start();
            thread.Join();
        }).Now();

        FluentActions.Invoking(() => kept!.GetMemory()).Should().Throw<InvalidOperationException>().WithMessage("*inside of its callback*");
        FluentActions.Invoking(() => kept!.Advance(0)).Should().Throw<InvalidOperationException>();
        elsewhere.Should().BeOfType<InvalidOperationException>();
    }

    [Fact]
    public void The_writer_is_dead_while_the_message_is_sent()
    {
        IBufferWriter<byte>? kept = null;
        var connection = new RecordingConnection();
        var atSend = 0;
        connection.OnSend = () =>
        {
            FluentActions.Invoking(() => kept!.GetSpan()).Should().Throw<InvalidOperationException>();
            atSend++;
            return default;
        };

        connection.SendAsync(writer => kept = writer).Now();

        atSend.Should().Be(1);
    }

    [Fact]
    public void A_callback_may_send_in_its_turn()
    {
        var connection = new RecordingConnection();

        for (var i = 0; i < 3; i++)
        {
            connection.SendAsync(outer =>
            {
                outer.Write("out"u8);
                connection.SendAsync(inner => inner.Write("inner"u8)).Now();
                outer.Write("er"u8);
            }).Now();
        }

        connection.SentTexts.Should().Equal("inner", "outer", "inner", "outer", "inner", "outer");
    }

    [Fact]
    public void The_scratch_memory_grows_and_keeps_what_was_written()
    {
        var connection = new RecordingConnection();
        var expected = new byte[300_000];
        new Random(1).NextBytes(expected);

        connection.SendAsync(expected, static (bytes, writer) =>
        {
            for (var at = 0; at < bytes.Length;)
            {
                var span = writer.GetSpan(Math.Min(1 + (at / 7), bytes.Length - at));
                var count = Math.Min(span.Length, bytes.Length - at);
                bytes.AsSpan(at, count).CopyTo(span);
                writer.Advance(count);
                at += count;
            }
        }).Now();

        connection.Sent.Single().Should().Equal(expected);
    }

    [Fact]
    public void A_writer_refuses_sizes_that_cannot_be()
    {
        var connection = new RecordingConnection();
        connection.SendAsync(writer =>
        {
            FluentActions.Invoking(() => writer.GetMemory(-1)).Should().Throw<ArgumentOutOfRangeException>();
            FluentActions.Invoking(() => writer.Advance(1)).Should().Throw<ArgumentOutOfRangeException>("nothing was asked for");
            var room = writer.GetSpan().Length;
            FluentActions.Invoking(() => writer.Advance(room + 1)).Should().Throw<ArgumentOutOfRangeException>();
            FluentActions.Invoking(() => writer.Advance(-1)).Should().Throw<ArgumentOutOfRangeException>();
            writer.Write("x"u8);
            FluentActions.Invoking(() => writer.GetSpan(int.MaxValue)).Should().Throw<FrameTooLargeException>();
        }).Now();

        connection.SentTexts.Should().Equal("x");
    }

    [Fact]
    public async Task A_sequence_is_one_message()
    {
        await using var bed = await new TestBed().StartAsync();
        await using var peer = await bed.ConnectRawAsync();
        var connection = bed.Session.Connection;
        using var cancel = new CancellationTokenSource();

        await connection.SendAsync(Segments("one"));
        await connection.SendAsync(Segments("t", "w", "o"));
        await connection.SendAsync(ReadOnlySequence<byte>.Empty);
        connection.TrySend(Segments("three")).Should().BeTrue();
        connection.TrySend(Segments("fo", "ur")).Should().BeTrue();
        connection.TrySend(Segments("a\n", "b")).Should().BeFalse();
        FluentActions.Invoking(() => { _ = connection.SendAsync(Segments("a\n", "b")); }).Should().Throw<FramingException>();
        Task<Message>[] requests =
        [
            connection.RequestAsync(Segments("five")).AsTask(),
            connection.RequestAsync(Segments("s", "ix"), new() { Timeout = TimeSpan.FromSeconds(1) }).AsTask(),
            connection.RequestAsync(Segments("sev", "en"), cancel.Token).AsTask(),
        ];

        (await peer.ReceiveAsync(4 + 4 + 1 + 6 + 5 + 5 + 4 + 6)).Should().Be("one\ntwo\n\nthree\nfour\nfive\nsix\nseven\n");
        await peer.SendAsync("5\n6\n7\n");
        (await Task.WhenAll(requests).Soon()).Select(response => response.ToString()).Should().Equal("5", "6", "7");
    }

    [Fact]
    public void One_segment_passes_straight_through_and_several_are_gathered_in_pooled_memory()
    {
        var sender = new Watching();
        var memory = "whole"u8.ToArray();

        sender.SendAsync(new ReadOnlySequence<byte>(memory)).Now();
        ArrayOf(sender.Last).Should().BeSameAs(memory);

        sender.SendAsync(Segments(new string('x', 3_000_000), "x")).Now();
        sender.Last.Length.Should().Be(3_000_001);
        var gathered = ArrayOf(sender.Last);
        var again = ArrayPool<byte>.Shared.Rent(3_000_001);
        again.Should().BeSameAs(gathered);
        ArrayPool<byte>.Shared.Return(again);
    }

    [Fact]
    public void What_no_array_holds_is_refused_before_memory_is_spent()
    {
        var sender = new Watching();
        var block = new byte[1 << 20];
        var first = new Segment(block);
        var last = first;
        for (var i = 0; i < 2048; i++)
        {
            last = last.Append(block);
        }

        var huge = new ReadOnlySequence<byte>(first, 0, last, block.Length);

        FluentActions.Invoking(() => { _ = sender.SendAsync(huge); }).Should().Throw<FrameTooLargeException>().Which.Length.Should().Be(huge.Length);
        FluentActions.Invoking(() => { _ = sender.RequestAsync(huge); }).Should().Throw<FrameTooLargeException>();
        sender.TrySend(huge).Should().BeFalse();
    }

    [Fact]
    public void Each_call_finds_the_overload_that_is_meant()
    {
        var sender = new Watching();
        using var cancel = new CancellationTokenSource();
        var array = "array"u8.ToArray();

        sender.RequestAsync("1", cancel.Token).Now();
        sender.Token.Should().Be(cancel.Token);
        sender.RequestAsync("1"u8, cancel.Token).Now();
        sender.RequestAsync(array.AsMemory(), cancel.Token).Now();
        sender.RequestAsync((ReadOnlyMemory<byte>)array, cancel.Token).Now();
        sender.RequestAsync(array, cancel.Token).Now();
        ArrayOf(sender.Last).Should().BeSameAs(array, "an array is rather memory than a span, which is copied once more");
        sender.Token.Should().Be(cancel.Token);
        sender.Options.Should().Be(default(RequestOptions));

        sender.RequestAsync("1", default).Now();
        sender.SendAsync("1", default).Now();
        Action<IBufferWriter<byte>> write = static writer => writer.Write("1"u8);
        sender.SendAsync(write, default).Now();
        sender.RequestAsync(write, default).Now();
        sender.RequestAsync(write, cancel.Token).Now();
        sender.RequestAsync(write, new() { CorrelationId = 6 }).Now();
        sender.Options.CorrelationId.Should().Be(6);
        sender.RequestAsync("1"u8, static (state, writer) => writer.Write(state), new() { CorrelationId = 5 }).Now();
        sender.Options.CorrelationId.Should().Be(5);
        sender.RequestAsync("1", new() { CorrelationId = 7 }).Now();
        sender.Options.CorrelationId.Should().Be(7);
        sender.RequestAsync("1"u8, new() { CorrelationId = 8 }, cancel.Token).Now();
        sender.Options.CorrelationId.Should().Be(8);
        sender.RequestAsync(new ReadOnlySequence<byte>(array), new() { CorrelationId = 9 }).Now();
        sender.Options.CorrelationId.Should().Be(9);
    }

    [Fact]
    public void A_text_that_the_encoding_refuses_keeps_no_memory()
    {
        var strict = new System.Text.UTF8Encoding(false, throwOnInvalidBytes: true);
        var sender = new Watching { TextEncoding = strict };
        var probe = ArrayPool<byte>.Shared.Rent(strict.GetMaxByteCount(40_000));
        ArrayPool<byte>.Shared.Return(probe);

        FluentActions.Invoking(() => { _ = sender.SendAsync(new string('x', 39_999) + "\ud800"); }).Should().Throw<System.Text.EncoderFallbackException>();

        var again = ArrayPool<byte>.Shared.Rent(strict.GetMaxByteCount(40_000));
        again.Should().BeSameAs(probe);
        ArrayPool<byte>.Shared.Return(again);
    }

    private static byte[] ArrayOf(ReadOnlyMemory<byte> memory)
    {
        MemoryMarshal.TryGetArray(memory, out var segment).Should().BeTrue();
        return segment.Array!;
    }

    private static ReadOnlySequence<byte> Segments(params string[] texts)
    {
        var first = new Segment(System.Text.Encoding.UTF8.GetBytes(texts[0]));
        var last = texts.Skip(1).Aggregate(first, (end, text) => end.Append(System.Text.Encoding.UTF8.GetBytes(text)));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory) => Memory = memory;

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }

    /// <summary>Notes the arguments of the last call.</summary>
    private sealed class Watching : IMessageSender
    {
        public System.Text.Encoding TextEncoding { get; init; } = System.Text.Encoding.UTF8;

        public ReadOnlyMemory<byte> Last { get; private set; }

        public RequestOptions Options { get; private set; }

        public CancellationToken Token { get; private set; }

        public ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken = default)
        {
            (Last, Token) = (message, cancellationToken);
            return default;
        }

        public bool TrySend(ReadOnlyMemory<byte> message)
        {
            Last = message;
            return true;
        }

        public ValueTask<Message> RequestAsync(
            ReadOnlyMemory<byte> request, RequestOptions options = default, CancellationToken cancellationToken = default)
        {
            (Last, Options, Token) = (request, options, cancellationToken);
            return new(Message.Copy(request));
        }
    }
}
