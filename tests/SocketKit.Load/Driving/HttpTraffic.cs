using System.Globalization;
using System.Text;

namespace SocketKit.Load.Driving;

/// <summary>
/// Requests of the web app, all alike, and its responses: status 200, a length and the body, whatever other headers there are. Not
/// thread-safe.
/// </summary>
internal sealed class HttpTraffic : ITraffic
{
    /// <summary>The longest head of a response that is taken, with the empty line at its end.</summary>
    public const int LongestHead = 4096;

    private readonly byte[] _requests;

    // The last response that was checked: the next one is mostly the same to the byte, as its date changes once a second.
    private readonly byte[] _last = new byte[LongestHead + BodyLength];
    private int _lastLength;

    // By the place of a link: what has come of a response that is not whole yet.
    private byte[][] _pieces = [];

    /// <param name="slots">How many requests are written at once, at most.</param>
    public HttpTraffic(int slots)
    {
        Slots = slots;
        _requests = new byte[slots * Request.Length];
        for (var i = 0; i < slots; i++)
        {
            Request.CopyTo(_requests.AsSpan(i * Request.Length));
        }
    }

    public static int BodyLength => Body.Length;

    public int FrameLength => Request.Length;

    public int Slots { get; }

    private static ReadOnlySpan<byte> Request => "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"u8;

    private static ReadOnlySpan<byte> Status => "HTTP/1.1 200 "u8;

    private static ReadOnlySpan<byte> Body => "Hello, World!"u8;

    public ReadOnlySpan<byte> Write(int link, long first, int count) => _requests.AsSpan(0, count * Request.Length);

    public int Check(Link link, ReadOnlySpan<byte> bytes)
    {
        var complete = 0;
        if (link.ReceivedOfNext > 0)
        {
            // What is not whole has room here to become it: a head without an end is refused before.
            var pieces = PiecesOf(link);
            var before = link.ReceivedOfNext;
            var taken = Math.Min(bytes.Length, pieces.Length - before);
            bytes[..taken].CopyTo(pieces.AsSpan(before));
            var length = LengthOfFirst(link, pieces.AsSpan(0, before + taken));
            if (length == 0)
            {
                link.ReceivedOfNext += taken;
                return 0;
            }

            link.ReceivedOfNext = 0;
            link.Received++;
            complete++;
            bytes = bytes[(length - before)..];
        }

        while (!bytes.IsEmpty)
        {
            var length = LengthOfFirst(link, bytes);
            if (length == 0)
            {
                bytes.CopyTo(PiecesOf(link));
                link.ReceivedOfNext = bytes.Length;
                break;
            }

            link.Received++;
            complete++;
            bytes = bytes[length..];
        }

        return complete;
    }

    /// <summary>Bytes of the response that these bytes begin with, or 0 when it is not whole.</summary>
    private int LengthOfFirst(Link link, ReadOnlySpan<byte> bytes)
    {
        if (link.Received >= link.Sent)
        {
            throw Wrong(link, "nobody has asked for it");
        }

        if (_lastLength > 0 && bytes.StartsWith(_last.AsSpan(0, _lastLength)))
        {
            return _lastLength;
        }

        var length = Parse(link, bytes);
        if (length > 0)
        {
            bytes[..length].CopyTo(_last);
            _lastLength = length;
        }

        return length;
    }

    private static int Parse(Link link, ReadOnlySpan<byte> bytes)
    {
        if (bytes.CommonPrefixLength(Status) < Math.Min(bytes.Length, Status.Length))
        {
            throw Wrong(link, $"it begins with {Quoted(bytes)} and not with {Quoted(Status)}");
        }

        var head = bytes[..Math.Min(bytes.Length, LongestHead)].IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return bytes.Length < LongestHead ? 0 : throw Wrong(link, $"its head does not end within {LongestHead} bytes");
        }

        CheckHeaders(link, bytes[..head]);
        var body = bytes[(head + 4)..];
        body = body[..Math.Min(body.Length, Body.Length)];
        var same = Body.CommonPrefixLength(body);
        if (same < body.Length)
        {
            throw Wrong(link, $"byte {same} of the body is {body[same]:X2} and not {Body[same]:X2}");
        }

        return body.Length == Body.Length ? head + 4 + body.Length : 0;
    }

    /// <param name="head">All lines, without the end of the last.</param>
    private static void CheckHeaders(Link link, ReadOnlySpan<byte> head)
    {
        var lengths = 0;
        for (var end = head.IndexOf("\r\n"u8); end >= 0; end = head.IndexOf("\r\n"u8))
        {
            head = head[(end + 2)..];
            var next = head.IndexOf("\r\n"u8);
            var line = next < 0 ? head : head[..next];
            var colon = line.IndexOfAny((byte)':', (byte)' ');
            if (colon <= 0 || line[colon] != ':')
            {
                throw Wrong(link, $"{Quoted(line)} is no header");
            }

            var name = line[..colon];
            var value = line[(colon + 1)..].Trim(" \t"u8);
            if (Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8))
            {
                throw Wrong(link, "it has a Transfer-Encoding");
            }

            if (Ascii.EqualsIgnoreCase(name, "Content-Length"u8))
            {
                lengths++;
                if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length != Body.Length)
                {
                    throw Wrong(link, $"its Content-Length is {Quoted(value)} and not {Body.Length}");
                }
            }
        }

        if (lengths != 1)
        {
            throw Wrong(link, lengths == 0 ? "it has no Content-Length" : "it has more than one Content-Length");
        }
    }

    private byte[] PiecesOf(Link link)
    {
        if (link.Place >= _pieces.Length)
        {
            var known = _pieces.Length;
            Array.Resize(ref _pieces, Math.Max(link.Place + 1, 2 * known));
            _pieces.AsSpan(known).Fill([]);
        }

        if (_pieces[link.Place].Length == 0)
        {
            _pieces[link.Place] = new byte[LongestHead + BodyLength];
        }

        return _pieces[link.Place];
    }

    private static WrongReplyException Wrong(Link link, string what) => new($"Connection {link.Index}, response {link.Received}: {what}.");

    /// <summary>The first line of what came, and no more of it than a message has room for.</summary>
    private static string Quoted(ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, 40)]).Split('\r', '\n')[0];
        return $"\"{string.Concat(text.Select(one => char.IsControl(one) ? '?' : one))}\"";
    }
}
