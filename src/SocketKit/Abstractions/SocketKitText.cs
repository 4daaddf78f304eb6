using System.Globalization;
using System.Text;

namespace SocketKit;

/// <summary>Words that several types say of themselves, for people, logs and debuggers.</summary>
internal static class SocketKitText
{
    /// <summary>The type, and the name that the program has given it.</summary>
    public static string Named(string type, string? name) => name is null ? type : $"{type} {LogText.Escape(name)}";

    /// <summary><c>1 byte</c>, <c>2 bytes</c>.</summary>
    public static string Count(long count, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    /// <summary><c>10 s</c>, <c>0.5 s</c>, <c>never</c>.</summary>
    public static string Time(TimeSpan time) =>
        time == Timeout.InfiniteTimeSpan ? "never" : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");

    /// <summary>A greatest length, or nothing if there is none.</summary>
    public static string AtMost(int length) => length == int.MaxValue ? "" : $", at most {Count(length, "byte")}";

    /// <summary>Bytes of a protocol: as text if they are printable ASCII, otherwise in hexadecimal.</summary>
    public static string Bytes(ReadOnlySpan<byte> bytes)
    {
        var cut = bytes.Length > 32 ? bytes[..32] : bytes;
        var text = cut.ContainsAnyExceptInRange((byte)' ', (byte)'~') ? Convert.ToHexString(cut) : $"\"{Encoding.ASCII.GetString(cut)}\"";
        return cut.Length < bytes.Length ? $"{text}... ({bytes.Length} bytes)" : text;
    }
}
