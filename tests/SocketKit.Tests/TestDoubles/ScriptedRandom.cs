namespace SocketKit.Tests.TestDoubles;

/// <summary>A Random that draws what the test says.</summary>
internal sealed class ScriptedRandom(params int[] draws) : Random
{
    private readonly Queue<int> _draws = new(draws);

    /// <summary>The upper bounds it was asked with.</summary>
    public List<int> Bounds { get; } = [];

    public override int Next(int maxValue)
    {
        Bounds.Add(maxValue);
        return _draws.Dequeue();
    }
}

/// <summary>A Random that notices two threads inside at once.</summary>
internal sealed class ExclusiveRandom : Random
{
    private int _inside;

    public int Collisions { get; private set; }

    public int Draws { get; private set; }

    public override int Next(int maxValue)
    {
        if (Interlocked.Increment(ref _inside) != 1)
        {
            Collisions++;
        }

        Thread.SpinWait(20);
        Draws++;
        Interlocked.Decrement(ref _inside);
        return Draws % maxValue;
    }
}
