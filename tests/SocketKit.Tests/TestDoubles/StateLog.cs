namespace SocketKit.Tests.TestDoubles;

/// <summary>The state changes of a client, and waits for them.</summary>
internal sealed class StateLog
{
    private readonly List<ClientStateChange> _changes = [];
    private TaskCompletionSource _next = Shorthand.Gate();

    public StateLog(ISocketClient client) => client.StateChanged += (_, change) =>
    {
        TaskCompletionSource next;
        lock (_changes)
        {
            _changes.Add(change);
            (next, _next) = (_next, Shorthand.Gate());
        }

        next.SetResult();
    };

    /// <summary>Waits for that many changes and gives all so far.</summary>
    public async Task<ClientStateChange[]> WaitAsync(int count)
    {
        while (true)
        {
            Task next;
            lock (_changes)
            {
                if (_changes.Count >= count)
                {
                    return [.. _changes];
                }

                next = _next.Task;
            }

            await next.WaitAsync(TestBed.Patience);
        }
    }

    /// <summary>Waits until a state has been entered that many times; gives the last such change.</summary>
    public async Task<ClientStateChange> EnteredAsync(ClientState state, int times = 1)
    {
        for (var count = 1; ; count++)
        {
            var entered = (await WaitAsync(count)).Where(change => change.To == state).ToArray();
            if (entered.Length >= times)
            {
                return entered[times - 1];
            }
        }
    }
}
