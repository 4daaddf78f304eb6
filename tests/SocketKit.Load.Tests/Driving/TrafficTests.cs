using System.Buffers.Binary;
using System.Net.Sockets;
using CsCheck;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Tests.Driving;

public sealed class TrafficTests : IDisposable
{
    private readonly Link _link = new(3, new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));

    public void Dispose() => _link.Dispose();

    [Fact]
    public void Frames_have_their_length_in_front_and_no_two_are_alike()
    {
        var traffic = new Traffic(size: 32, slots: 4);
        var frames = Enumerable.Range(0, 8).SelectMany(i => new[] { 1, 2 }.Select(link => traffic.Write(link, i, 1).ToArray())).ToArray();

        frames.Should().OnlyContain(frame => frame.Length == 36 && BinaryPrimitives.ReadInt32BigEndian(frame) == 32);
        frames.Select(Convert.ToHexString).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void What_was_written_passes_in_whatever_pieces_it_comes()
    {
        Gen.Select(Gen.Int[0, 100], Gen.Int[1, 5], Gen.Int[1, 60].Array[1, 200]).Sample((size, slots, pieces) =>
        {
            var (traffic, link) = (new Traffic(size, slots), new Link(3, _link.Socket));
            var bytes = Enumerable.Range(0, 20).SelectMany(i => traffic.Write(3, i, 1).ToArray()).ToArray();
            int at = 0, complete = 0;
            for (var i = 0; at < bytes.Length; i++)
            {
                var length = Math.Min(pieces[i % pieces.Length], bytes.Length - at);
                complete += traffic.Check(link, bytes.AsSpan(at, length));
                at += length;
            }

            return complete == 20 && link.Received == 20 && link.ReceivedOfNext == 0;
        });
    }

    [Fact]
    public void Any_wrong_byte_is_found_and_named()
    {
        Gen.Select(Gen.Int[0, 40], Gen.Int[0, 10_000], Gen.Byte[1, 255], Gen.Int[1, 50]).Sample((size, position, change, piece) =>
        {
            var (traffic, link) = (new Traffic(size, slots: 2), new Link(3, _link.Socket));
            var bytes = traffic.Write(3, 0, 1).ToArray().Concat(traffic.Write(3, 1, 1).ToArray()).ToArray();
            var wrong = position % bytes.Length;
            bytes[wrong] ^= change;

            var check = () =>
            {
                foreach (var part in bytes.Chunk(piece))
                {
                    traffic.Check(link, part);
                }
            };

            check.Should().Throw<WrongReplyException>().WithMessage($"Connection 3, message {wrong / (size + 4)}: byte {wrong % (size + 4)} *");
        });
    }

    [Fact]
    public void A_frame_of_another_connection_or_out_of_turn_is_found()
    {
        var traffic = new Traffic(size: 32, slots: 1);

        var foreign = () => traffic.Check(_link, traffic.Write(4, 0, 1));
        var late = () => traffic.Check(_link, traffic.Write(3, 1, 1));

        foreign.Should().Throw<WrongReplyException>();
        late.Should().Throw<WrongReplyException>();
    }

    [Fact]
    public void What_another_link_wrote_passes_when_it_is_named()
    {
        var traffic = new Traffic(size: 32, slots: 1);

        traffic.Check(_link, traffic.Write(0, 0, 1), writer: 0).Should().Be(1);
    }
}
