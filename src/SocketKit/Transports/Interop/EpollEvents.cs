using System.Runtime.InteropServices;

namespace SocketKit.Transports.Interop;

/// <summary>The kernel's <c>struct epoll_event</c>: 32 bits of events and 64 bits of data, packed on x64 only.</summary>
internal static class EpollEvents
{
    public const int MaxSize = 16;

    private static readonly bool Packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int DataOffset = Packed ? 4 : 8;

    /// <summary>Bytes of one event in an array of them.</summary>
    public static int Size { get; } = Packed ? 12 : MaxSize;

    public static void Write(Span<byte> raw, uint events, ulong data)
    {
        MemoryMarshal.Write(raw, events);
        MemoryMarshal.Write(raw[DataOffset..], data);
    }

    public static (uint Events, ulong Data) Read(ReadOnlySpan<byte> raw) => (MemoryMarshal.Read<uint>(raw), MemoryMarshal.Read<ulong>(raw[DataOffset..]));
}
