using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;

namespace SocketKit.Hosting.Settings;

/// <summary>A rule for one setting. Its message begins with the configuration key, and says what to type.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal abstract class SettingAttribute : ValidationAttribute
{
    /// <summary>Stands for a dot in the name of a server or client, while dots still separate the names of properties.</summary>
    public const char Dot = '\u001F';

    /// <summary>The configuration key of a property, from the path that the generated validator makes.</summary>
    public static string Key(string path) => path.Replace('.', ':').Replace(Dot, '.');

    protected sealed override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        value is null || Problem(value) is not { } problem ? ValidationResult.Success : new ValidationResult($"{Key(validationContext.DisplayName)}: {problem}");

    /// <summary>A value in a message; nothing at all would be overlooked there.</summary>
    protected static string Show(string text) => text.Length == 0 ? "\"\"" : text;

    /// <returns>What is wrong with the value and what to type, or null.</returns>
    protected abstract string? Problem(object value);
}

/// <summary>A whole number.</summary>
internal sealed class NumberAttribute(long least, long most) : SettingAttribute
{
    public long Least => least;

    public long Most => most;

    protected override string? Problem(object value)
    {
        var text = (string)value;
        if (!SettingNumber.TryParse(text, out var number))
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Show(text)} is no number; type digits alone, from {least:N0} to {most:N0}");
        }

        return number >= least && number <= most
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{number} is out of range; type a number from {least:N0} to {most:N0}");
    }
}

/// <summary>A time; see <see cref="SettingTime"/>.</summary>
internal sealed class TimeAttribute(string least, string most) : SettingAttribute
{
    public string Least => least;

    public string Most => most;

    /// <summary>Whether <c>never</c> is allowed, too.</summary>
    public bool Never { get; set; }

    /// <summary>Without <see cref="Never"/>: what would go on for ever, for whoever types it.</summary>
    public string ElseForEver { get; set; } = "";

    /// <summary>Whether 0 is allowed, too.</summary>
    public bool Zero { get; set; }

    protected override string? Problem(object value)
    {
        var text = (string)value;
        var isTime = SettingTime.TryParse(text, out var time);
        var isAllowed = isTime && (time == Timeout.InfiniteTimeSpan ? Never : (Zero && time == TimeSpan.Zero) || (time >= SettingTime.Parse(least) && time <= SettingTime.Parse(most)));
        var why = time == Timeout.InfiniteTimeSpan && ElseForEver.Length > 0 ? $": {ElseForEver} for ever" : "";
        return isAllowed ? null : $"{Show(text)} is {(isTime ? "out of range" : "no time")}{why}; type a time from {least} to {most}{(Zero ? ", or 0" : "")}{(Never ? ", or never" : "")}, such as 10s, 500ms or 00:01:30";
    }
}

/// <summary>One of several names, in upper or lower case.</summary>
internal sealed class OneOfAttribute(string names) : SettingAttribute
{
    /// <summary>The names, with bars between them.</summary>
    public string Names => names;

    protected override string? Problem(object value) =>
        names.Split('|').Contains((string)value, StringComparer.OrdinalIgnoreCase) ? null : $"there is no {Show((string)value)}; type one of {names.Replace("|", ", ", StringComparison.Ordinal)}";
}

/// <summary>Bytes, or several of them; see <see cref="SettingBytes"/>.</summary>
internal sealed class BytesAttribute(int least, int most) : SettingAttribute
{
    public int Least => least;

    public int Most => most;

    protected override string? Problem(object value)
    {
        foreach (var text in value as IEnumerable<string> ?? [(string)value])
        {
            if (SettingBytes.TryParse(text, out var bytes) is { } problem)
            {
                return $"{text}: {problem}";
            }

            if (bytes.Length < least || bytes.Length > most)
            {
                return $"\"{text}\" has {bytes.Length} bytes; type text of {least} to {most} bytes";
            }
        }

        return null;
    }
}

/// <summary>The name of a text encoding.</summary>
internal sealed class EncodingNameAttribute : SettingAttribute
{
    /// <summary>Also the older encodings of many countries, such as GB18030, without registering them for the whole process.</summary>
    public static Encoding? Find(string name)
    {
        if (name.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        }

        if (CodePagesEncodingProvider.Instance.GetEncoding(name) is { } found)
        {
            return found;
        }

        try
        {
            return Encoding.GetEncoding(name);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    protected override string? Problem(object value) => Find((string)value) is null ? $"there is no encoding {Show((string)value)}; type utf-8, gb18030, us-ascii or another name of .NET" : null;
}
