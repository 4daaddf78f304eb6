namespace SocketKit;

/// <summary>What the framers in the box tell of themselves, so that options which cannot go together are refused at the start.</summary>
internal interface IFramerFacts
{
    /// <summary>The shortest frame there is, in bytes.</summary>
    long ShortestFrame { get; }

    /// <summary>The texts that it looks for, as bytes; none when it was given bytes, or looks for nothing.</summary>
    IReadOnlyList<FramerText> Texts { get; }

    /// <summary>The bytes that are left at the end of the input are no part of a frame that was cut off.</summary>
    bool IsBetweenFrames(ReadOnlySpan<byte> input) => false;
}

/// <summary>A text that a framer looks for.</summary>
/// <param name="What">What it is, for people: a delimiter.</param>
/// <param name="Text">The text.</param>
/// <param name="Bytes">The bytes that stand for it.</param>
internal readonly record struct FramerText(string What, string Text, ReadOnlyMemory<byte> Bytes);
