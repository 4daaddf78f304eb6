using System.Globalization;

namespace SocketKit.Hosting.Settings;

/// <summary>
/// A time as configuration gives it: a number with its unit, such as <c>10s</c> or <c>500ms</c>, or the form of .NET, <c>00:00:10</c>. A
/// bare number is refused, since <see cref="TimeSpan.Parse(string)"/> takes <c>10</c> for ten days.
/// </summary>
internal static class SettingTime
{
    private static readonly (string Unit, double Milliseconds)[] Units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    /// <param name="text">The text.</param>
    /// <param name="time">The time; <see cref="Timeout.InfiniteTimeSpan"/> for <c>never</c>.</param>
    public static bool TryParse(string text, out TimeSpan time)
    {
        text = text.Trim();
        if (text.Equals("never", StringComparison.OrdinalIgnoreCase))
        {
            time = Timeout.InfiniteTimeSpan;
            return true;
        }

        if (text == "0")
        {
            time = TimeSpan.Zero;
            return true;
        }

        if (text.Contains(':', StringComparison.Ordinal))
        {
            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out time) && time >= TimeSpan.Zero;
        }

        foreach (var (unit, milliseconds) in Units)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && double.TryParse(text.AsSpan(0, text.Length - unit.Length).TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                && number * milliseconds <= TimeSpan.MaxValue.TotalMilliseconds / 2)
            {
                time = TimeSpan.FromMilliseconds(number * milliseconds);
                return true;
            }
        }

        time = default;
        return false;
    }

    /// <summary>A time that has passed the validation.</summary>
    public static TimeSpan Parse(string text) => TryParse(text, out var time) ? time : throw new FormatException($"{text} is no time");
}
