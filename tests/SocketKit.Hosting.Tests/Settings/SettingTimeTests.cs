using SocketKit.Hosting.Settings;

namespace SocketKit.Hosting.Tests.Settings;

public class SettingTimeTests
{
    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("500ms", 500)]
    [InlineData("1.5 s", 1_500)]
    [InlineData("2M", 120_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("00:00:10", 10_000)]
    [InlineData("00:00:00.25", 250)]
    [InlineData("1.00:00:00", 86_400_000)]
    [InlineData("0", 0)]
    [InlineData("never", -1)]
    public void A_time_has_a_unit_or_colons(string text, double milliseconds)
    {
        SettingTime.TryParse(text, out var time).Should().BeTrue();
        time.TotalMilliseconds.Should().Be(milliseconds);
    }

    [Theory]
    [InlineData("10")]
    [InlineData("-1s")]
    [InlineData("-00:00:01")]
    [InlineData("s")]
    [InlineData("ten seconds")]
    [InlineData("1e300d")]
    [InlineData("99999999999999999999d")]
    [InlineData("")]
    public void A_bare_number_and_other_things_are_none(string text) => SettingTime.TryParse(text, out _).Should().BeFalse();
}

public class SettingBytesTests
{
    [Theory]
    [InlineData("plain", "706C61696E")]
    [InlineData(@"\r\n", "0D0A")]
    [InlineData(@"\t\0\\", "09005C")]
    [InlineData(@"\x02\xFf", "02FF")]
    [InlineData("你😀", "E4BDA0F09F9880")]
    public void Escapes_stand_for_bytes(string text, string hexadecimal)
    {
        SettingBytes.TryParse(text, out var bytes).Should().BeNull();
        Convert.ToHexString(bytes).Should().Be(hexadecimal);
    }

    [Theory]
    [InlineData(@"\")]
    [InlineData(@"\q")]
    [InlineData(@"\x1")]
    [InlineData(@"\xZZ")]
    public void Other_escapes_are_refused(string text) => SettingBytes.TryParse(text, out _).Should().StartWith("a backslash is followed by");
}
