namespace SocketKit.Connections;

/// <summary>
/// Requests that wait for their responses, in order (without an id) or by correlation id. Made by the first request. Guarded by the
/// connection's lock: each method decides, and the connection tells the callers outside of it.
/// </summary>
internal sealed class RequestTable(int limit, TimeSpan timeout)
{
    // Without an id, oldest first. An abandoned one stays as a tombstone that swallows one late response, so that the next response still
    // finds its own caller.
    private readonly LinkedList<PendingRequest> _inOrder = new();
    private readonly Dictionary<long, PendingRequest> _byId = [];
    private readonly LinkedList<PendingRequest> _byIdByAge = new();

    // Those by id with a time-out of their own: a tick looks at each, unless it waits for ever and is in no list. The others fall due in
    // the order of their age.
    private readonly LinkedList<PendingRequest> _byIdOwnTimeout = new();

    // Those that fall due at some time, tombstones included.
    private int _timed;

    // Late responses that were swallowed so far, without those of canceled requests; how many requests one after the other were too late
    // while such came, and how many had come when the last of these was counted.
    private long _swallowed;
    private int _lateInARow;
    private long _countedAt;

    // Since when a tick after the other has found the receive loop in the same handler call.
    private int _receivesAtLastTick;
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
    /// <returns>The caller's request; null for a late response, which is swallowed.</returns>
    public PendingRequest? Take(long? id)
    {
        if (id is { } number)
        {
            if (_byId.TryGetValue(number, out var named))
            {
                Forget(named, number);
                named.Done = true;
                Waiting--;
            }

            return named;
        }

        if (_inOrder.First?.Value is not { } oldest)
        {
            return null;
        }

        _inOrder.RemoveFirst();
        Count(oldest, -1);
        if (oldest.Done)
        {
            _swallowed += oldest.TimedOut ? 1 : 0;
            return null;
        }

        _lateInARow = 0;
        oldest.Done = true;
        Waiting--;
        return oldest;
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

    /// <summary>A tick of the clock: ends what has waited too long.</summary>
    /// <param name="now">Monotonic ticks.</param>
    /// <param name="isReading">The receive loop is inside a receive.</param>
    /// <param name="receives">How many receives have begun.</param>
    public Overdue Expire(long now, bool isReading, int receives)
    {
        if (!HasDue)
        {
            return default;
        }

        List<PendingRequest> expired = [];
        var lost = Expire(now, expired);
        return new Overdue(expired, lost, NotReadingFor(isReading, receives, now));
    }

    /// <summary>How long the receive loop has not been reading, at least.</summary>
    private TimeSpan NotReadingFor(bool isReading, int receives, long now)
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

    /// <returns>Why a response is lost, and order with it; or null.</returns>
    private string? Expire(long now, List<PendingRequest> expired)
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
                var time = request.TimedOut ? $"two time-outs of {request.Timeout}" : $"{request.Timeout} after it was canceled";
                return $"a response did not come within {time}, so later ones cannot be told apart";
            }
            else
            {
                Bury(request, now);
                expired.Add(request);
                request.TimedOut = true;
                if (IsOutOfStep(request))
                {
                    lost = $"three requests one after the other timed out after {request.Timeout} while responses came: "
                        + "one was skipped, or all are late";
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

    /// <summary>What a tick found, for the connection to carry out.</summary>
    /// <param name="Expired">Whose time-out has passed; null: nobody was looked at.</param>
    /// <param name="Lost">Why a response is lost, and order with it: the connection must close. Or null.</param>
    /// <param name="NotReading">How long nothing has been read.</param>
    internal readonly record struct Overdue(List<PendingRequest>? Expired, string? Lost, TimeSpan NotReading)
    {
        /// <summary>Tells the callers, outside of the lock.</summary>
        /// <param name="mailboxFull">A full mailbox keeps the connection from reading.</param>
        public void Fail(bool mailboxFull)
        {
            foreach (var request in Expired ?? [])
            {
                // Blocked for most of the time, and not just when it was over.
                var isBlocked = !mailboxFull && NotReading >= request.Timeout / 2;
                request.Fail(new RequestTimeoutException(request.Timeout, mailboxFull, isBlocked));
            }
        }
    }
}
