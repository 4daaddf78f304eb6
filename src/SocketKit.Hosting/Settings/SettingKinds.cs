namespace SocketKit.Hosting.Settings;

/// <summary>For settings of which one names a kind, and others belong to some kinds only.</summary>
internal static class SettingKinds
{
    /// <summary>Adds a failure for each setting that the kind does not know: whoever wrote it expects something of it.</summary>
    /// <returns>Whether all is well.</returns>
    public static bool Check(string key, string? kind, string kinds, (string Name, bool IsSet)[] given, Dictionary<string, string> owners, ICollection<string> failures)
    {
        var well = true;
        foreach (var (name, isSet) in given)
        {
            if (!isSet)
            {
                continue;
            }

            if (kind is null)
            {
                failures.Add($"{key}:Kind: is not set, although {name} is; type one of {kinds.Replace("|", ", ", StringComparison.Ordinal)}");
                return false;
            }

            if (!owners[name].Split('|').Contains(kind, StringComparer.OrdinalIgnoreCase))
            {
                failures.Add($"{key}:{name}: says nothing with {kind}; it belongs to {owners[name].Replace("|", ", ", StringComparison.Ordinal)}");
                well = false;
            }
        }

        return well;
    }
}
