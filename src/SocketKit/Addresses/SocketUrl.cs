using System.Globalization;
using System.Net;
using System.Text;

namespace SocketKit;

/// <summary>
/// An address as text: <c>tcp://host:port</c>, <c>tls://host:port</c> or <c>unix:///path</c>, with parameters behind a question mark. For
/// <see cref="Listen.Url"/> and <see cref="Dial.Url"/>; whoever knows a scheme asks for its parameters one by one and then calls
/// <see cref="End"/>, which refuses what nobody has asked for. Stricter than <see cref="Uri"/>, so that a slip is told and not guessed at.
/// </summary>
internal sealed class SocketUrl
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string _text;
    private readonly string _purpose;
    private readonly string _rest;

    /// <summary>Parameters whose values are no secrets.</summary>
    private static readonly string[] Printable = ["backlog", "ca", "cert", "engine", "key", "mode", "name", "reuseport"];

    private readonly List<(string Name, string Value)> _parameters = [];
    private readonly List<string> _known = [];

    private SocketUrl(string text, string purpose, string scheme, string rest)
    {
        _text = text;
        _purpose = purpose;
        Scheme = scheme;
        _rest = rest;
    }

    /// <summary>In lower case.</summary>
    public string Scheme { get; }

    /// <summary>Takes the text apart.</summary>
    /// <param name="url">The text.</param>
    /// <param name="purpose">For errors: what it is no address to do, such as <c>listen on</c>.</param>
    /// <param name="examples">For errors: one address of each scheme that is allowed, which say the schemes, too.</param>
    /// <exception cref="ArgumentException">It is empty, or of no such form.</exception>
    public static SocketUrl Parse(string url, string purpose, ReadOnlySpan<string> examples)
    {
        ArgumentNullException.ThrowIfNull(url);
        if (string.IsNullOrWhiteSpace(url))
        {
            throw new ArgumentException($"There is no address to {purpose}; type {string.Join(" or ", examples)}", nameof(url));
        }

        var end = url.IndexOf("://", StringComparison.Ordinal);
        var scheme = end < 0 ? "" : url[..end].ToLowerInvariant();
        var known = false;
        foreach (var example in examples)
        {
            known |= scheme.Length > 0 && example.StartsWith(scheme + "://", StringComparison.Ordinal);
        }

        if (!known)
        {
            throw Error(url, purpose, $"{(scheme.Length == 0 ? "it has no scheme" : $"there is no scheme {scheme}")}; type {string.Join(" or ", examples)}");
        }

        var query = url.IndexOf('?', end);
        var parsed = new SocketUrl(url, purpose, scheme, query < 0 ? url[(end + 3)..] : url[(end + 3)..query]);
        if (url.Contains('#', StringComparison.Ordinal))
        {
            throw parsed.Wrong("it holds a #, which is typed %23");
        }

        foreach (var parameter in query < 0 ? [] : url[(query + 1)..].Split('&'))
        {
            var equals = parameter.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || equals == parameter.Length - 1)
            {
                throw parsed.Wrong($"{(equals > 0 ? $"the parameter {parameter[..equals]}" : "a parameter")} is not of the form name=value");
            }

            var name = parsed.Decode(parameter[..equals]);
            if (parsed._parameters.Exists(other => other.Name == name))
            {
                throw parsed.Wrong($"the parameter {name} is given twice");
            }

            parsed._parameters.Add((name, parsed.Decode(parameter[(equals + 1)..])));
        }

        return parsed;
    }

    /// <summary>Takes the rest for a host and a port.</summary>
    /// <param name="lowestPort">0 or 1.</param>
    /// <returns>The host without brackets, or <c>*</c>.</returns>
    public (string Host, int Port) HostAndPort(int lowestPort)
    {
        var authority = _rest.EndsWith('/') ? _rest[..^1] : _rest;
        if (authority.AsSpan().ContainsAny('/', '@'))
        {
            throw Wrong($"behind the host and the port comes nothing, and no name of a user before them; type {Scheme}://host:port");
        }

        var bracket = authority.LastIndexOf(']');
        var colon = authority.IndexOf(':', Math.Max(bracket, 0));
        var host = colon < 0 ? authority : authority[..colon];
        if (bracket < 0 && colon != authority.LastIndexOf(':'))
        {
            throw Wrong("an IPv6 address stands in brackets, such as [::1]");
        }

        if (colon < 0 || colon == authority.Length - 1)
        {
            throw Wrong($"the port is missing; type {Scheme}://{(host.Length == 0 ? "host" : host)}:9000, say");
        }

        var digits = authority.AsSpan(colon + 1);
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port < lowestPort || port > IPEndPoint.MaxPort)
        {
            throw Wrong($"the port is a number from {lowestPort} to {IPEndPoint.MaxPort}{(digits.ContainsAnyExceptInRange('0', '9') ? "" : $", not {digits}")}");
        }

        return (Host(host), port);
    }

    /// <summary>Takes the rest for the path of a file, or for <c>@name</c>.</summary>
    public string Path()
    {
        var path = Decode(_rest);
        if (path.StartsWith('@'))
        {
            return path;
        }

        if (!path.StartsWith('/') || path.Length == 1)
        {
            throw Wrong($"the path begins with a slash, so there are three of them; type {Scheme}:///run/my.sock, say");
        }

        // Windows: unix:///C:/folder/my.sock.
        return OperatingSystem.IsWindows() && path.Length > 2 && path[2] == ':' ? path[1..] : path;
    }

    /// <summary>A parameter, or null.</summary>
    public string? Text(string name)
    {
        _known.Add(name);
        var index = _parameters.FindIndex(parameter => parameter.Name == name);
        return index < 0 ? null : _parameters[index].Value;
    }

    /// <summary>A parameter that is a whole number of at least so much, or the default.</summary>
    public int Number(string name, int lowest, int otherwise)
    {
        var text = Text(name);
        if (text is null)
        {
            return otherwise;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= lowest
            ? number
            : throw Wrong($"{name} is a number from {lowest} up, not {text}");
    }

    /// <summary>A parameter that is <c>true</c> or <c>false</c>, the default.</summary>
    public bool Flag(string name) => Text(name) switch
    {
        null or "false" => false,
        "true" => true,
        var other => throw Wrong($"{name} is true or false, not {other}"),
    };

    /// <summary>The parameter <c>engine</c>.</summary>
    public SocketEngine Engine() => Text("engine") switch
    {
        null or "auto" => SocketEngine.Auto,
        "epoll" => SocketEngine.Epoll,
        "sockets" => SocketEngine.Sockets,
        var other => throw Wrong($"engine is auto, epoll or sockets, not {other}"),
    };

    /// <summary>The parameter <c>mode</c>, permissions in octal digits, or null.</summary>
    public UnixFileMode? Mode()
    {
        var text = Text("mode");
        if (text is null)
        {
            return null;
        }

        if (text.Length is < 3 or > 4 || text.AsSpan().ContainsAnyExceptInRange('0', '7') || (text.Length == 4 && text[0] != '0'))
        {
            throw Wrong($"mode is three octal digits, such as 660, not {text}");
        }

        return (UnixFileMode)Convert.ToInt32(text, 8);
    }

    /// <summary>Refuses parameters that nobody has asked for.</summary>
    public void End()
    {
        foreach (var (name, _) in _parameters)
        {
            if (!_known.Contains(name))
            {
                throw Wrong($"{Scheme} has no parameter {name} here{(_known.Count == 0 ? "" : $"; there are {string.Join(", ", _known)}")}");
            }
        }
    }

    /// <summary>An error that names the URL.</summary>
    public ArgumentException Wrong(string why) => Error(_text, _purpose, why);

    private static ArgumentException Error(string url, string purpose, string why) => new($"\"{Shown(url)}\" is no address to {purpose}: {why}", nameof(url));

    /// <summary>For messages, which end in logs: without what may be a secret in the wrong place.</summary>
    private static string Shown(string url)
    {
        const string BehindScheme = "://";
        const string Left = "...";
        var scheme = url.IndexOf(BehindScheme, StringComparison.Ordinal);
        var start = scheme < 0 ? 0 : scheme + BehindScheme.Length;
        var isPath = url.StartsWith("unix://", StringComparison.OrdinalIgnoreCase);
        var mayNameUser = !isPath || (start < url.Length && url[start] is not ('/' or '@'));
        if (mayNameUser && (url.AsSpan(start).IndexOfAny('@', '\uff20') >= 0 || url.IndexOf("%40", start, StringComparison.Ordinal) >= 0))
        {
            // The name and the password of a user may hold any sign, also those that end an address.
            return url[..start] + Left;
        }

        var end = url.AsSpan(start).IndexOfAny('?', '#') is >= 0 and var found ? start + found : url.Length;
        var address = url[..end];
        var slash = isPath ? -1 : address.IndexOf('/', start);
        address = slash >= 0 && slash < address.Length - 1 ? address[..(slash + 1)] + Left : address;
        var colon = isPath ? -1 : address.LastIndexOf(':');
        if (colon >= start && address.AsSpan(colon + 1).TrimEnd('/').ContainsAnyExceptInRange('0', '9') && !address.EndsWith(Left, StringComparison.Ordinal) && !address.EndsWith(']'))
        {
            // A password, perhaps, of a user whose host was forgotten.
            address = address[..(colon + 1)] + Left;
        }

        return end == url.Length ? address
            : url[end] == '#' ? $"{address}#{Left}"
            : $"{address}?{string.Join('&', url[(end + 1)..].Split('&').Select(Parameter))}";

        static string Parameter(string parameter)
        {
            var equals = parameter.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? parameter : parameter[..equals];
            return Printable.Contains(name) && !parameter.Contains("-----", StringComparison.Ordinal) ? parameter : equals < 0 ? Left : $"{name}={Left}";
        }
    }

    private string Host(string host)
    {
        if (host == "*")
        {
            return host;
        }

        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            // RFC 6874: the % before a zone is escaped; many do not know, and it cannot be mistaken.
            var inner = host[1..^1].Replace("%25", "%", StringComparison.Ordinal);
            return inner.Contains(':', StringComparison.Ordinal) && IPAddress.TryParse(inner, out _) ? inner : throw Wrong($"{host} holds no IPv6 address");
        }

        // What looks like an IPv4 address has to be one in full: 127.1 and 010.0.0.1 mean different things to different programs.
        if (host.All(static c => char.IsAsciiDigit(c) || c == '.'))
        {
            return IPAddress.TryParse(host, out var address) && address.ToString() == host ? host : throw Wrong(host.Length == 0 ? "the host is missing; type *, say, or an address" : $"{host} is no IPv4 address");
        }

        return Uri.CheckHostName(host) == UriHostNameType.Dns ? host : throw Wrong($"{host} is no name of a host");
    }

    /// <summary>Undoes %20 and the like.</summary>
    private string Decode(string text)
    {
        if (!text.Contains('%', StringComparison.Ordinal))
        {
            return text;
        }

        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                var length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
                bytes.AddRange(Encoding.UTF8.GetBytes(text.Substring(i, length)));
                i += length - 1;
            }
            else if (i + 2 < text.Length && byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && value != 0)
            {
                bytes.Add(value);
                i += 2;
            }
            else
            {
                throw Wrong("a % is followed by two hexadecimal digits, and not by 00; a % itself is typed %25");
            }
        }

        try
        {
            return Strict.GetString([.. bytes]);
        }
        catch (DecoderFallbackException)
        {
            throw Wrong("what is escaped with % is no UTF-8");
        }
    }
}
