using System.Net.Sockets;
using System.Text;
using SocketKit.Load.Driving;

namespace SocketKit.Load.Tests.Driving;

public sealed class HttpTrafficTests : IDisposable
{
    private const string Response = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\n\r\nHello, World!";

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public void Dispose() => _socket.Dispose();

    [Fact]
    public void Requests_are_whole_and_as_many_as_are_wanted()
    {
        var traffic = new HttpTraffic(slots: 3);

        var requests = Encoding.ASCII.GetString(traffic.Write(link: 5, first: 7, count: 2));

        requests.Length.Should().Be(2 * traffic.FrameLength);
        requests.Split("\r\n\r\n").Should().HaveCount(3).And.Subject.Take(2).Should().OnlyContain(request => request.StartsWith("GET /plaintext HTTP/1.1\r\nHost: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Responses_are_counted_wherever_they_are_split()
    {
        // A second date in the middle: the response that was checked last is no help there.
        var bytes = Bytes(Response + Response + Response.Replace(":00 GMT", ":01 GMT", StringComparison.Ordinal) + Response);
        for (var split = 0; split <= bytes.Length; split++)
        {
            var (traffic, link) = (new HttpTraffic(slots: 1), NewLink(asked: 4));

            var complete = traffic.Check(link, bytes.AsSpan(0, split)) + traffic.Check(link, bytes.AsSpan(split));

            complete.Should().Be(4, "split at {0}", split);
            link.Received.Should().Be(4);
            link.ReceivedOfNext.Should().Be(0);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(100)]
    public void Two_links_in_turn_do_not_get_into_each_others_pieces(int piece)
    {
        var traffic = new HttpTraffic(slots: 1);
        Link[] links = [NewLink(asked: 3), NewLink(asked: 3, place: 9)];
        var complete = 0;
        foreach (var part in Bytes(Response + Response + Response).Chunk(piece))
        {
            complete += links.Sum(link => traffic.Check(link, part));
        }

        complete.Should().Be(6);
        links.Should().OnlyContain(link => link.Received == 3 && link.ReceivedOfNext == 0);
    }

    [Fact]
    public void Header_names_are_of_any_case_and_other_headers_may_stand_anywhere()
    {
        var traffic = new HttpTraffic(slots: 1);

        traffic.Check(NewLink(asked: 1), Bytes("HTTP/1.1 200 \r\nServer: x\r\ncontent-LENGTH:13\r\nX: \r\n\r\nHello, World!")).Should().Be(1);
    }

    [Theory]
    [InlineData("Hello", "Jello", "byte 0 of the body is 4A and not 48")]
    [InlineData("World!", "World?", "byte 12 of the body is 3F and not 21")]
    [InlineData("200 OK", "500 Internal Server Error", "begins with \"HTTP/1.1 500 Internal Server Error\" and not with")]
    [InlineData("HTTP/1.1", "HTTP/1.0", "begins with \"HTTP/1.0 200 OK\" and not with")]
    [InlineData("Length: 13", "Length: 14", "its Content-Length is \"14\" and not 13")]
    [InlineData("Length: 13", "Length: +13", "its Content-Length is \"+13\" and not 13")]
    [InlineData("Content-Length", "Content-Width", "has no Content-Length")]
    [InlineData("Date: ", "Content-Length: 13\r\nDate: ", "more than one Content-Length")]
    [InlineData("Content-Length: 13", "Transfer-Encoding: chunked", "has a Transfer-Encoding")]
    [InlineData("Date: ", "Date ", "is no header")]
    public void What_is_wrong_is_found_and_named_in_whatever_pieces_it_comes(string right, string wrong, string message)
    {
        var bytes = Bytes(Response + Response.Replace(right, wrong, StringComparison.Ordinal));
        foreach (var piece in new[] { 1, 5, bytes.Length })
        {
            var (traffic, link) = (new HttpTraffic(slots: 1), NewLink(asked: 2));

            var check = () => bytes.Chunk(piece).Sum(part => traffic.Check(link, part));

            // In single bytes a line is not there as a whole when its first wrong byte is.
            var expected = piece == bytes.Length || !message.StartsWith("begins", StringComparison.Ordinal) ? message : "begins with";
            check.Should().Throw<WrongReplyException>().WithMessage($"Connection 3, response 1: *{expected.Replace("?", "*", StringComparison.Ordinal)}*");
        }
    }

    [Fact]
    public void Any_wrong_byte_of_the_body_is_found_also_after_a_right_response()
    {
        for (var at = Response.Length - HttpTraffic.BodyLength; at < Response.Length; at++)
        {
            var (traffic, link) = (new HttpTraffic(slots: 1), NewLink(asked: 2));
            var bytes = Bytes(Response);
            traffic.Check(link, bytes).Should().Be(1);
            bytes[at] ^= 1;

            var check = () => traffic.Check(link, bytes);

            check.Should().Throw<WrongReplyException>();
        }
    }

    [Fact]
    public void A_response_that_nobody_asked_for_is_found()
    {
        var (traffic, link) = (new HttpTraffic(slots: 1), NewLink(asked: 1));

        var check = () => traffic.Check(link, Bytes(Response + "!"));

        check.Should().Throw<WrongReplyException>().WithMessage("*response 1: nobody has asked for it.");
    }

    [Fact]
    public void A_head_without_an_end_is_refused_and_the_longest_one_passes()
    {
        var filler = Response.Replace("Date: ", $"X: {new string('x', HttpTraffic.LongestHead - Response.Length + HttpTraffic.BodyLength - 5)}\r\nDate: ", StringComparison.Ordinal);
        filler.Length.Should().Be(HttpTraffic.LongestHead + HttpTraffic.BodyLength);
        var endless = filler.Replace("X: ", "X: x", StringComparison.Ordinal);
        foreach (var piece in new[] { 100, 10_000 })
        {
            var (traffic, link) = (new HttpTraffic(slots: 1), NewLink(asked: 2));
            Bytes(filler).Chunk(piece).Sum(part => traffic.Check(link, part)).Should().Be(1);

            var check = () => Bytes(endless).Chunk(piece).Sum(part => traffic.Check(link, part));

            check.Should().Throw<WrongReplyException>().WithMessage("*its head does not end within 4096 bytes.");
        }
    }

    [Fact]
    public async Task A_server_that_spoils_one_response_ends_the_run()
    {
        var responses = 0;
        using var server = new RawServer(socket =>
        {
            // One request at a time, and none is longer than a segment.
            while (socket.Receive(new byte[1024]) > 0)
            {
                socket.Send(Bytes(++responses == 100 ? Response.Replace("World", "Wor1d", StringComparison.Ordinal) : Response));
            }
        });
        var load = LoadOptions.Http(connections: 1, depth: 1) with { Server = server.EndPoint, WarmUp = TimeSpan.Zero, Time = TimeSpan.FromSeconds(5) };

        var run = () => Task.Run(() => Driver.Run(load)).WaitAsync(TimeSpan.FromSeconds(30));

        (await run.Should().ThrowAsync<WrongReplyException>()).WithMessage("Connection 0, response 99: byte 10 of the body is 31 and not 6C.");
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);

    private Link NewLink(int asked, int place = 0) => new(3, _socket) { Place = place, Sent = asked };
}
