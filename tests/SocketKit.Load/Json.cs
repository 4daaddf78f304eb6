using System.Text.Json;

namespace SocketKit.Load;

/// <summary>How this tool writes JSON.</summary>
internal static class Json
{
    public static readonly JsonSerializerOptions Line = new(JsonSerializerDefaults.Web);

    public static readonly JsonSerializerOptions Pretty = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Writes a result to a file, when one is named.</summary>
    public static async Task WriteAsync<T>(string? path, T result)
    {
        if (path is not null)
        {
            await File.WriteAllTextAsync(path, JsonSerializer.Serialize(result, Pretty) + "\n");
        }
    }
}
