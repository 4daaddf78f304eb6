namespace SocketKit.Connections;

/// <summary>
/// Requests that wait for their responses, in order (without an id) or by correlation id. Guarded by the connection's lock.
/// </summary>
internal sealed class PendingRequests(int limit, TimeSpan timeout)
{
    // Without an id, oldest first. An abandoned one stays as a tombstone that swallows one late response, so that the next response still
    // finds its own caller.
    private readonly LinkedList<PendingRequest> _inOrder = new();
    private readonly Dictionary<long, PendingRequest> _byId = [];
    private readonly LinkedList<PendingRequest> _byIdByAge = new();

    // Those by id with a time-out of their own: a tick looks at each, unless it waits for ever and is in no list. The others fall due in the order
    // of their age.
    private readonly LinkedList<PendingRequest> _byIdOwnTimeout = new();

    // Those that fall due at some time, tombstones included.
    private int _timed;

    // Late responses that were swallowed so far; how many requests one after the other were too late while such came, and how many had come
    // when the last of these was counted.
    private long _swallowed;
    private int _lateInARow;
    private long _countedAt;

    // Since when a tick after the other has found the receive loop in the same handler call.
    private uint _receivesAtLastTick;
    private long _notReadingSince = long.MaxValue;

    /// <summary>How many callers wait.</summary>
    public int Waiting { get; private set; }

    /// <summary>True while a message without an id may be a response.</summary>
    public bool ExpectsInOrder => _inOrder.Count > 0;

    /// <summary>A request waits, or a late response is outstanding, and not for ever: the clock must look at it.</summary>
    public bool HasDue => _timed > 0;

    public PendingRequest Add(RequestOptions options, long now)
    {
        // A tombstone counts: it holds a place until its response comes or is given up.
        var pending = _inOrder.Count + _byId.Count;
        if (pending >= limit)
        {
            var late = pending == Waiting ? "" : $", {pending - Waiting} of them cancelled or timed out, whose responses have not come yet";
            throw new RequestRefusedException(
                $"{pending} requests are pending on this connection{late}; ConnectionOptions.MaxPendingRequests allows no more");
        }

        var id = options.CorrelationId;
        var request = new PendingRequest(id, options.Timeout ?? timeout, now) { SwallowedBefore = _swallowed };
        if (id is not { } number)
        {
            _inOrder.AddLast(request);
        }
        else if (_byId.TryAdd(number, request))
        {
            request.Place = request.Timeout == timeout ? _byIdByAge.AddLast(request)
                : request.IsTimed ? _byIdOwnTimeout.AddLast(request)
                : null;
        }
        else
        {
            throw new RequestRefusedException($"A request with the correlation id {number} is pending on this connection");
        }

        Waiting++;
        Count(request, 1);
        return request;
    }

    /// <summary>Takes back the request that was added last: its message could not be sent.</summary>
    public void TakeBack(PendingRequest request)
    {
        Waiting--;
        request.Done = true;
        if (request.Id is { } id)
        {
            Forget(request, id);
        }
        else
        {
            _inOrder.RemoveLast();
            Count(request, -1);
        }
    }

    /// <summary>Finds who waits for a response.</summary>
    /// <param name="id">Null: the oldest without an id.</param>
    /// <param name="request">The caller's request; null for a late response, which is swallowed.</param>
    public void Take(long? id, out PendingRequest? request)
    {
        if (id is { } number)
        {
            if (_byId.TryGetValue(number, out request))
            {
                Forget(request, number);
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
        Count(request, -1);
        if (request.Done)
        {
            _swallowed += request.TimedOut ? 1 : 0;
            request = null;
            return;
        }

        _lateInARow = 0;
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

    /// <summary>Called by each tick: how long the receive loop has not been reading, at least.</summary>
    /// <param name="isReading">It is inside a receive.</param>
    /// <param name="receives">How many receives it has ended.</param>
    /// <param name="now">Monotonic ticks.</param>
    public TimeSpan NotReadingFor(bool isReading, uint receives, long now)
    {
        if (isReading)
        {
            _notReadingSince = long.MaxValue;
        }
        else if (_notReadingSince == long.MaxValue || receives != _receivesAtLastTick)
        {
            _notReadingSince = now;
        }

        _receivesAtLastTick = receives;
        return TimeSpan.FromTicks(Math.Max(0, now - _notReadingSince));
    }

    /// <summary>Ends what has waited too long.</summary>
    /// <param name="now">Monotonic ticks.</param>
    /// <param name="expired">Gets the requests whose time-out has passed.</param>
    /// <returns>Why a response is lost, and order with it; or null.</returns>
    public string? Expire(long now, List<PendingRequest> expired)
    {
        string? lost = null;
        while (_byIdByAge.First?.Value is { } oldest && oldest.Due <= now)
        {
            Bury(oldest, now);
            expired.Add(oldest);
        }

        for (var place = _byIdOwnTimeout.First; place is not null;)
        {
            var request = place.Value;
            place = place.Next;
            if (request.Due <= now)
            {
                Bury(request, now);
                expired.Add(request);
            }
        }

        foreach (var request in _inOrder)
        {
            if (request.Done && request != _inOrder.First!.Value)
            {
                // Its response cannot come before those in front of it, so its time begins when they have come.
                request.BeginWait(now);
            }
            else if (request.Due > now)
            {
                continue;
            }
            else if (request.Done)
            {
                return $"a response did not come within two time-outs of {request.Timeout}, so later ones cannot be told apart";
            }
            else
            {
                Bury(request, now);
                expired.Add(request);
                request.TimedOut = true;
                if (IsOutOfStep(request))
                {
                    lost = $"three requests one after the other timed out after {request.Timeout} while responses came: one was skipped, or all are late";
                }
            }
        }

        return lost;
    }

    /// <summary>Each response fills the place of the request before, since one was skipped; in step again, it would be answered in time. A
    /// single one may be late.</summary>
    private bool IsOutOfStep(PendingRequest request)
    {
        if (_swallowed == request.SwallowedBefore || request.SwallowedBefore < _countedAt)
        {
            return false;
        }

        _countedAt = _swallowed;
        return ++_lateInARow > 1;
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

        Waiting = _timed = 0;
        _inOrder.Clear();
        _byId.Clear();
        _byIdByAge.Clear();
        _byIdOwnTimeout.Clear();
        return waiting;
    }

    private void Bury(PendingRequest request, long now)
    {
        request.Done = true;
        request.BeginWait(now);
        Waiting--;
        if (request.Id is { } id)
        {
            Forget(request, id);
        }
    }

    private void Forget(PendingRequest request, long id)
    {
        _byId.Remove(id);
        request.Place?.List!.Remove(request.Place);
        Count(request, -1);
    }

    private void Count(PendingRequest request, int change) => _timed += request.IsTimed ? change : 0;
}

/// <summary>One caller that waits for a response. The task continues asynchronously, so it may be completed under a lock.</summary>
internal sealed class PendingRequest(long? id, TimeSpan timeout, long now)
    : TaskCompletionSource<Message>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>Null: it is answered in order.</summary>
    public long? Id { get; } = id;

    public TimeSpan Timeout { get; } = timeout;

    /// <summary>It does not wait for ever.</summary>
    public bool IsTimed => Timeout != System.Threading.Timeout.InfiniteTimeSpan;

    /// <summary>Monotonic ticks: the time-out, or when a tombstone counts as lost.</summary>
    public long Due { get; private set; } = DueAfter(now, timeout);

    /// <summary>With a correlation id: its place among those that fall due. Null: it waits for ever, other than the others.</summary>
    public LinkedListNode<PendingRequest>? Place { get; set; }

    /// <summary>Answered, failed or abandoned: nobody waits any more.</summary>
    public bool Done { get; set; }

    /// <summary>In order: it was not cancelled.</summary>
    public bool TimedOut { get; set; }

    /// <summary>In order: how many late responses had been swallowed before it was made.</summary>
    public long SwallowedBefore { get; init; }

    /// <summary>Its time-out begins anew.</summary>
    public void BeginWait(long now) => Due = DueAfter(now, Timeout);

    private static long DueAfter(long now, TimeSpan timeout) => timeout == System.Threading.Timeout.InfiniteTimeSpan ? long.MaxValue : now + timeout.Ticks;

    /// <summary>Fails the caller; a request that nobody awaits is no unobserved exception.</summary>
    public void Fail(Exception exception)
    {
        if (TrySetException(exception))
        {
            _ = Task.Exception;
        }
    }
}
