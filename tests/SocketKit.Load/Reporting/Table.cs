using System.Text;

namespace SocketKit.Load.Reporting;

/// <summary>A Markdown table: the first column is text, the others are figures.</summary>
internal sealed class Table(params string[] header)
{
    private readonly List<string[]> _rows = [];

    /// <exception cref="ArgumentException">There are more or fewer cells than columns.</exception>
    public void Add(params string[] cells) => _rows.Add(cells.Length == header.Length ? cells : throw new ArgumentException($"{cells.Length} cells in {header.Length} columns.", nameof(cells)));

    public override string ToString()
    {
        var text = new StringBuilder();
        Line(text, header);
        text.Append("|---|").AppendJoin("|", header.Skip(1).Select(_ => "---:")).Append("|\n");
        foreach (var row in _rows)
        {
            Line(text, row);
        }

        return text.ToString();
    }

    private static void Line(StringBuilder text, string[] cells) => text.Append("| ").AppendJoin(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");
}
