namespace SocketKit.Hosting.Settings;

/// <summary>Which known name a misspelled one is nearest to.</summary>
internal static class Nearest
{
    private const int MostChanges = 2;

    /// <returns>The known name that is at most two changes (a letter more, less, other, or two swapped) away, or null.</returns>
    public static string? Of(string name, IEnumerable<string> known) => known
        .Select(candidate => (candidate, Changes: Changes(name.ToUpperInvariant(), candidate.ToUpperInvariant())))
        .Where(it => it.Changes <= Math.Min(MostChanges, it.candidate.Length / 3))
        .OrderBy(it => it.Changes)
        .Select(it => it.candidate)
        .FirstOrDefault();

    private static int Changes(string one, string other)
    {
        // Row i holds the changes from the first i letters of one to each beginning of the other; two rows back are needed for a swap.
        int[] before = [], last = [.. Enumerable.Range(0, other.Length + 1)];
        for (var i = 1; i <= one.Length; i++)
        {
            var row = new int[other.Length + 1];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                row[j] = Math.Min(Math.Min(last[j], row[j - 1]) + 1, last[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }

            (before, last) = (last, row);
        }

        return last[^1];
    }
}
