namespace SocketKit.Connections;

/// <summary>Requests that wait for their responses, in order (id 0) or by correlation id. Guarded by the connection's lock.</summary>
internal sealed class PendingRequests(int limit, TimeSpan timeout)
{
    // Id 0, oldest first. An abandoned one stays as a tombstone that swallows one late response, so that the next response still finds its own caller.
    private readonly LinkedList<PendingRequest> _inOrder = new();
    private readonly Dictionary<long, PendingRequest> _byId = [];
    private readonly LinkedList<PendingRequest> _byIdByAge = new();

    /// <summary>How many callers wait.</summary>
    public int Waiting { get; private set; }

    /// <summary>True while a message without an id may be a response.</summary>
    public bool ExpectsInOrder => _inOrder.Count > 0;

    public bool IsEmpty => _inOrder.Count == 0 && _byId.Count == 0;

    public PendingRequest Add(long id, long now)
    {
        if (Waiting >= limit)
        {
            throw new RequestRefusedException($"{Waiting} requests are pending on this connection; ConnectionOptions.MaxPendingRequests allows no more");
        }

        var request = new PendingRequest(id, now + timeout.Ticks);
        if (id == 0)
        {
            _inOrder.AddLast(request);
        }
        else if (_byId.TryAdd(id, request))
        {
            request.Age = _byIdByAge.AddLast(request);
        }
        else
        {
            throw new RequestRefusedException($"A request with the correlation id {id} is pending on this connection");
        }

        Waiting++;
        return request;
    }

    /// <summary>Takes back the request that was added last: its message could not be sent.</summary>
    public void TakeBack(PendingRequest request)
    {
        Waiting--;
        request.Done = true;
        if (request.Id == 0)
        {
            _inOrder.RemoveLast();
        }
        else
        {
            Forget(request);
        }
    }

    /// <summary>Finds who waits for a response.</summary>
    /// <param name="id">0: the oldest without an id.</param>
    /// <param name="request">The caller's request; null for a late response, which is swallowed.</param>
    public void Take(long id, out PendingRequest? request)
    {
        if (id != 0)
        {
            if (_byId.TryGetValue(id, out request))
            {
                Forget(request);
                request.Done = true;
                Waiting--;
            }

            return;
        }

        request = _inOrder.First?.Value;
        if (request is null)
        {
            return;
        }

        _inOrder.RemoveFirst();
        if (request.Done)
        {
            request = null;
            return;
        }

        request.Done = true;
        Waiting--;
    }

    /// <summary>The caller went away.</summary>
    /// <returns>False when the request is done already.</returns>
    public bool Abandon(PendingRequest request, long now)
    {
        if (request.Done)
        {
            return false;
        }

        Bury(request, now);
        return true;
    }

    /// <summary>Ends what has waited too long.</summary>
    /// <param name="now">Monotonic ticks.</param>
    /// <param name="expired">Gets the requests whose time-out has passed.</param>
    /// <returns>True when a tombstone has not been filled in time: a response is lost, and order with it.</returns>
    public bool Expire(long now, List<PendingRequest> expired)
    {
        while (_byIdByAge.First?.Value is { } oldest && oldest.Due <= now)
        {
            Bury(oldest, now);
            expired.Add(oldest);
        }

        foreach (var request in _inOrder)
        {
            if (request.Due > now)
            {
                continue;
            }

            if (request.Done)
            {
                return true;
            }

            Bury(request, now);
            expired.Add(request);
        }

        return false;
    }

    /// <summary>Empties it at the connection's end.</summary>
    /// <returns>Those that still waited.</returns>
    public List<PendingRequest> Clear()
    {
        var waiting = _inOrder.Concat(_byId.Values).Where(request => !request.Done).ToList();
        foreach (var request in waiting)
        {
            request.Done = true;
        }

        Waiting = 0;
        _inOrder.Clear();
        _byId.Clear();
        _byIdByAge.Clear();
        return waiting;
    }

    private void Bury(PendingRequest request, long now)
    {
        request.Done = true;
        request.Due = now + timeout.Ticks;
        Waiting--;
        if (request.Id != 0)
        {
            Forget(request);
        }
    }

    private void Forget(PendingRequest request)
    {
        _byId.Remove(request.Id);
        _byIdByAge.Remove(request.Age!);
    }
}

/// <summary>One caller that waits for a response. The task continues asynchronously, so it may be completed under a lock.</summary>
internal sealed class PendingRequest(long id, long due) : TaskCompletionSource<Message>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public long Id { get; } = id;

    /// <summary>Monotonic ticks: the time-out, or when a tombstone counts as lost.</summary>
    public long Due { get; set; } = due;

    /// <summary>With a correlation id: its place by age.</summary>
    public LinkedListNode<PendingRequest>? Age { get; set; }

    /// <summary>Answered, failed or abandoned: nobody waits any more.</summary>
    public bool Done { get; set; }

    /// <summary>Fails the caller; a request that nobody awaits is no unobserved exception.</summary>
    public void Fail(Exception exception)
    {
        if (TrySetException(exception))
        {
            _ = Task.Exception;
        }
    }
}
