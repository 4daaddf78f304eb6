using System.Globalization;

namespace SocketKit.Hosting.Settings;

/// <summary>A whole number as configuration gives it: digits alone, with a sign if need be.</summary>
internal static class SettingNumber
{
    /// <summary>Wide, so that a number which is far too large is out of range, and not no number.</summary>
    public static bool TryParse(string text, out Int128 number) => Int128.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out number);

    /// <summary>A number that has passed the validation.</summary>
    public static int? Parse(string? text) => text is null ? null : int.Parse(text, NumberStyles.Integer, CultureInfo.InvariantCulture);
}
