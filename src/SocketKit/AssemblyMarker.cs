namespace SocketKit;

/// <summary>Names this assembly for code that looks at it as a whole.</summary>
internal static class AssemblyMarker;
