namespace SocketKit.Load.Measuring;

internal static class Statistics
{
    /// <summary>The middle value; of an even number of values, the mean of the two in the middle.</summary>
    /// <exception cref="ArgumentException">There is no value.</exception>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0
            ? throw new ArgumentException("The median of nothing.", nameof(values))
            : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>
    /// The median over rounds of a value by another one of the same round: the machine's speed drifts, and neighbours drift together.
    /// </summary>
    public static double MedianRatio(IReadOnlyList<double> values, IReadOnlyList<double> bases) => Median(values.Zip(bases, (value, one) => value / one));
}
