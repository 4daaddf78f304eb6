using System.Globalization;
using Microsoft.Extensions.Options;

namespace SocketKit.Hosting.Settings;

/// <summary>
/// What configuration may say of servers and clients alike. What is not said stays as the program has it; numbers and times are text, so
/// that a wrong one is told with its key and range.
/// </summary>
internal abstract class ConnectionSettings
{
    /// <summary>The keys, for the search for misspelled ones.</summary>
    public static string[] SharedKeys { get; } =
    [
        nameof(Framing), nameof(Heartbeat), nameof(MaxFrameLength), nameof(MaxQueuedBytes), nameof(MaxPendingRequests), nameof(RequestTimeout),
        nameof(OpenTimeout), nameof(CloseTimeout), nameof(SlowConsumerTimeout), nameof(HalfCloseTimeout), nameof(TextEncoding),
    ];

    [ValidateObjectMembers(typeof(FramingSettingsValidator))]
    public FramingSettings? Framing { get; set; }

    [ValidateObjectMembers(typeof(HeartbeatSettingsValidator))]
    public HeartbeatSettings? Heartbeat { get; set; }

    [Number(1, 1 << 30)]
    public string? MaxFrameLength { get; set; }

    [Number(64 * 1024, int.MaxValue)]
    public string? MaxQueuedBytes { get; set; }

    [Number(1, int.MaxValue)]
    public string? MaxPendingRequests { get; set; }

    [Time("1ms", "24d", Never = true)]
    public string? RequestTimeout { get; set; }

    [Time("1ms", "24d", ElseForEver = "a peer that never ends its handshake would keep its place")]
    public string? OpenTimeout { get; set; }

    [Time("1ms", "24d", ElseForEver = "a peer that never finishes would keep a closed connection")]
    public string? CloseTimeout { get; set; }

    [Time("1ms", "24d", ElseForEver = "a peer that takes nothing would keep what waits for it in memory")]
    public string? SlowConsumerTimeout { get; set; }

    [Time("1ms", "24d", Never = true)]
    public string? HalfCloseTimeout { get; set; }

    [EncodingName]
    public string? TextEncoding { get; set; }

    /// <summary>Sets what was said.</summary>
    /// <param name="options">The program's options.</param>
    /// <param name="key">The key of these settings, for errors.</param>
    /// <param name="failures">What cannot be set.</param>
    protected void ApplyTo(ConnectionOptions options, string key, ICollection<string> failures)
    {
        options.TextEncoding = TextEncoding is null ? options.TextEncoding : EncodingNameAttribute.Find(TextEncoding)!;
        if (Framing is not null && Framing.Create($"{key}:{nameof(Framing)}", options.TextEncoding, failures) is { } framer)
        {
            options.Framer = framer;
        }

        if (Heartbeat is not null && Heartbeat.Create($"{key}:{nameof(Heartbeat)}", options.TextEncoding, failures) is { } heartbeat)
        {
            options.Heartbeat = heartbeat;
        }

        options.MaxFrameLength = SettingNumber.Parse(MaxFrameLength) ?? options.MaxFrameLength;
        options.MaxQueuedBytes = SettingNumber.Parse(MaxQueuedBytes) ?? options.MaxQueuedBytes;
        options.MaxPendingRequests = SettingNumber.Parse(MaxPendingRequests) ?? options.MaxPendingRequests;
        options.RequestTimeout = Time(RequestTimeout) ?? options.RequestTimeout;
        options.OpenTimeout = Time(OpenTimeout) ?? options.OpenTimeout;
        options.CloseTimeout = Time(CloseTimeout) ?? options.CloseTimeout;
        options.SlowConsumerTimeout = Time(SlowConsumerTimeout) ?? options.SlowConsumerTimeout;
        options.HalfCloseTimeout = Time(HalfCloseTimeout) ?? options.HalfCloseTimeout;
    }

    protected static TimeSpan? Time(string? text) => text is null ? null : SettingTime.Parse(text);

    /// <summary>Makes something of settings that are right one by one, but may not go together.</summary>
    internal static T? Try<T>(string key, ICollection<string> failures, Func<T> create)
        where T : class
    {
        try
        {
            return create();
        }
        catch (Exception exception) when (exception is ArgumentException or PlatformNotSupportedException or TlsCertificateException)
        {
            // Without the name of a parameter of ours, which says nothing to whoever wrote the configuration.
            var message = exception is ArgumentException { ParamName: { } parameter }
                ? exception.Message.Replace(string.Create(CultureInfo.InvariantCulture, $" (Parameter '{parameter}')"), "", StringComparison.Ordinal).ReplaceLineEndings(" ")
                : exception.Message;
            failures.Add($"{key}: {message}");
            return null;
        }
    }
}
