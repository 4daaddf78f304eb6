using System.Globalization;
using System.Text.RegularExpressions;

namespace SocketKit.Telemetry.Tests;

/// <summary>What a scrape gave: samples in Prometheus's text format.</summary>
internal sealed partial class Scrape
{
    public Scrape(string text)
    {
        Text = text;
        Samples = [.. text.Split('\n').Select(line => Line().Match(line)).Where(match => match.Success).Select(match => new Sample(
            match.Groups["name"].Value,
            Label().Matches(match.Groups["labels"].Value).ToDictionary(label => label.Groups["key"].Value, label => label.Groups["value"].Value),
            double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture)))];
    }

    public string Text { get; }

    public IReadOnlyList<Sample> Samples { get; }

    public IReadOnlySet<string> Names => Samples.Select(sample => sample.Name).ToHashSet();

    /// <summary>Of the library's metrics.</summary>
    public IReadOnlySet<string> Labels => Samples.Where(sample => sample.Name.StartsWith("socketkit_", StringComparison.Ordinal)).SelectMany(sample => sample.Labels.Keys).ToHashSet();

    /// <summary>The sum of the samples of this name whose labels have these values.</summary>
    public double Sum(string name, params (string Key, string Value)[] labels)
    {
        var samples = Samples.Where(sample => sample.Name == name && labels.All(label => sample.Labels.GetValueOrDefault(label.Key) == label.Value)).ToArray();
        return samples.Length > 0 ? samples.Sum(sample => sample.Value) : throw new InvalidOperationException($"No sample {name} with {string.Join(", ", labels)} in:\n{Text}");
    }

    internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

    [GeneratedRegex(@"^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Line();

    [GeneratedRegex(@"(?<key>\w+)=""(?<value>(?:[^""\\]|\\.)*)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Label();
}
