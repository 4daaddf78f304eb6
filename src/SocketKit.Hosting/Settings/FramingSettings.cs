using System.Text;
using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Settings;

/// <summary>A framer by name, with its settings.</summary>
internal sealed class FramingSettings
{
    private const string Kinds = "Lines|LengthPrefixed|Delimited|FixedSize|Enclosed|Raw";

    // Which kind a setting belongs to; Kind itself belongs to all.
    private static readonly Dictionary<string, string> Owners = new(StringComparer.OrdinalIgnoreCase)
    {
        [nameof(Kind)] = Kinds,
        [nameof(LineEnding)] = "Lines",
        [nameof(MaxLength)] = "Lines|LengthPrefixed|Delimited|Enclosed",
        [nameof(Field)] = "LengthPrefixed",
        [nameof(ByteOrder)] = "LengthPrefixed",
        [nameof(FieldOffset)] = "LengthPrefixed",
        [nameof(Adjustment)] = "LengthPrefixed",
        [nameof(BytesToStrip)] = "LengthPrefixed",
        [nameof(Delimiters)] = "Delimited",
        [nameof(KeepDelimiter)] = "Delimited",
        [nameof(Size)] = "FixedSize",
        [nameof(Begin)] = "Enclosed",
        [nameof(End)] = "Enclosed",
    };

    /// <summary>The keys, for the search for misspelled ones.</summary>
    public static string[] Keys { get; } = [.. Owners.Keys];

    [OneOf(Kinds)]
    public string? Kind { get; set; }

    [OneOf("Any|Lf|CrLf")]
    public string? LineEnding { get; set; }

    [Number(1, int.MaxValue)]
    public string? MaxLength { get; set; }

    [OneOf("OneByte|TwoBytes|ThreeBytes|FourBytes|EightBytes|Varint")]
    public string? Field { get; set; }

    [OneOf("BigEndian|LittleEndian")]
    public string? ByteOrder { get; set; }

    [Number(0, 65_535)]
    public string? FieldOffset { get; set; }

    [Number(int.MinValue, int.MaxValue)]
    public string? Adjustment { get; set; }

    [Number(0, int.MaxValue)]
    public string? BytesToStrip { get; set; }

    [Bytes(1, 256)]
    public List<string>? Delimiters { get; set; }

    [OneOf("true|false")]
    public string? KeepDelimiter { get; set; }

    [Number(1, 1 << 30)]
    public string? Size { get; set; }

    [Bytes(1, 256)]
    public string? Begin { get; set; }

    [Bytes(1, 256)]
    public string? End { get; set; }

    private (string Name, bool IsSet)[] Given =>
    [
        (nameof(LineEnding), LineEnding is not null), (nameof(MaxLength), MaxLength is not null), (nameof(Field), Field is not null), (nameof(ByteOrder), ByteOrder is not null),
        (nameof(FieldOffset), FieldOffset is not null), (nameof(Adjustment), Adjustment is not null), (nameof(BytesToStrip), BytesToStrip is not null), (nameof(Delimiters), Delimiters is not null),
        (nameof(KeepDelimiter), KeepDelimiter is not null), (nameof(Size), Size is not null), (nameof(Begin), Begin is not null), (nameof(End), End is not null),
    ];

    /// <summary>
    /// Makes the framer. Texts are in the encoding of the texts that it looks for them in; what is said as bytes (<c>\x7E</c>) is taken as
    /// bytes.
    /// </summary>
    /// <returns>The framer, or null when something is wrong or nothing was said.</returns>
    public IFramer? Create(string key, Encoding encoding, ICollection<string> failures)
    {
        if (!SettingKinds.Check(key, Kind, Kinds, Given, Owners, failures))
        {
            return null;
        }

        var longest = SettingNumber.Parse(MaxLength) ?? int.MaxValue;
        return Kind?.ToUpperInvariant() switch
        {
            "LINES" => new LinesFramer(Choice(LineEnding, SocketKit.LineEnding.Any), longest),
            "LENGTHPREFIXED" => ConnectionSettings.Try(key, failures, () => new LengthPrefixedFramer(new LengthPrefixedOptions
            {
                Field = Choice(Field, LengthField.FourBytes),
                ByteOrder = Choice(ByteOrder, SocketKit.ByteOrder.BigEndian),
                FieldOffset = SettingNumber.Parse(FieldOffset) ?? 0,
                Adjustment = SettingNumber.Parse(Adjustment) ?? 0,
                BytesToStrip = SettingNumber.Parse(BytesToStrip),
                MaxLength = longest,
            })),
            "DELIMITED" when Delimiters is { Count: > 0 } delimiters => ConnectionSettings.Try(key, failures, () =>
            {
                var options = new DelimitedOptions(encoding, [.. delimiters.Where(SettingBytes.IsText).Select(SettingBytes.ParseText)])
                {
                    KeepDelimiter = KeepDelimiter is not null && bool.Parse(KeepDelimiter),
                    MaxLength = longest,
                };

                // In the order given: the first is the one that is written.
                options.Delimiters.Clear();
                foreach (var delimiter in delimiters)
                {
                    options.Delimiters.Add(SettingBytes.Parse(delimiter, encoding));
                }

                return new DelimitedFramer(options);
            }),
            "DELIMITED" => Missing(key, nameof(Delimiters), @"what ends a message, such as \r\n", failures),
            "FIXEDSIZE" when SettingNumber.Parse(Size) is { } size => new FixedSizeFramer(size),
            "FIXEDSIZE" => Missing(key, nameof(Size), "the size of every message in bytes", failures),
            "ENCLOSED" when Begin is not null && End is not null => ConnectionSettings.Try(key, failures, () => SettingBytes.IsText(Begin) && SettingBytes.IsText(End)
                ? Framers.Enclosed(SettingBytes.ParseText(Begin), SettingBytes.ParseText(End), encoding, longest)
                : new EnclosedFramer(SettingBytes.Parse(Begin, encoding), SettingBytes.Parse(End, encoding), longest)),
            "ENCLOSED" => Missing(key, Begin is null ? nameof(Begin) : nameof(End), @"the mark, such as \x02", failures),
            "RAW" => new RawFramer(),
            _ => null,
        };
    }

    private static T Choice<T>(string? name, T otherwise)
        where T : struct, Enum => name is null ? otherwise : Enum.Parse<T>(name, ignoreCase: true);

    private static IFramer? Missing(string key, string name, string what, ICollection<string> failures)
    {
        failures.Add($"{key}:{name}: is not set; type {what}");
        return null;
    }
}

[OptionsValidator]
internal sealed partial class FramingSettingsValidator : IValidateOptions<FramingSettings>;
