namespace CustomFraming;

/// <summary>CRC-16/CCITT-FALSE: polynomial 0x1021, begins with 0xFFFF, nothing reflected. Of "123456789" it is 0x29B1.</summary>
internal static class Crc16
{
    private static readonly ushort[] Table = MakeTable();

    public static ushort Of(ReadOnlySpan<byte> bytes)
    {
        ushort crc = 0xFFFF;
        foreach (byte value in bytes)
        {
            crc = (ushort)((crc << 8) ^ Table[(crc >> 8) ^ value]);
        }

        return crc;
    }

    private static ushort[] MakeTable()
    {
        var table = new ushort[256];
        for (int index = 0; index < table.Length; index++)
        {
            int value = index << 8;
            for (int bit = 0; bit < 8; bit++)
            {
                value = (value & 0x8000) != 0 ? (value << 1) ^ 0x1021 : value << 1;
            }

            table[index] = (ushort)value;
        }

        return table;
    }
}
