using System.CommandLine;
using System.Globalization;

namespace SocketKit.Load;

/// <summary>What numbers options take.</summary>
internal static class OptionRules
{
    /// <summary>Refuses numbers outside of a range.</summary>
    public static Option<T> Between<T>(this Option<T> option, double lowest, double highest)
    {
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                // A value that is no number is reported already.
                if (double.TryParse(token.Value, CultureInfo.InvariantCulture, out var value) && (value < lowest || value > highest))
                {
                    result.AddError(highest == double.MaxValue ? $"{option.Name} is at least {lowest}, not {token.Value}." : $"{option.Name} is {lowest} to {highest}, not {token.Value}.");
                }
            }
        });
        return option;
    }

    /// <summary>Refuses numbers below the lowest.</summary>
    public static Option<T> AtLeast<T>(this Option<T> option, double lowest) => option.Between(lowest, double.MaxValue);
}
