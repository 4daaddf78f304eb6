using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SocketKit.Transports.Tls;

/// <summary>
/// Lets so many handshakes be worked on at once; the others wait for their turn. One that waits for its peer has no place, and asks again.
/// One source (an IPv4 address, or a /64 network of IPv6) has at most a quarter of the places, and when a place becomes free, sources that
/// wait take turns: so a flood from one source delays
/// itself. What has no IP address is one source without a share. Thread-safe.
/// </summary>
internal sealed class HandshakeGate
{
    private static readonly object NoAddress = new();

    private readonly Lock _lock = new();
    private readonly Dictionary<object, Origin> _sources = [];

    /// <summary>Sources that have somebody waiting and are below their share, in the order of their turns.</summary>
    private readonly Queue<Origin> _turns = new();
    private readonly int _limit;
    private readonly int _share;
    private readonly Action<bool, long> _crowded;
    private int _running;
    private long _delayed;

    /// <param name="limit">How many may run.</param>
    /// <param name="crowded">Told with true when the first has to wait, and with false and how many had to when nobody waits any
    /// more.</param>
    public HandshakeGate(int limit, Action<bool, long> crowded)
    {
        _limit = limit;
        _share = Math.Max(1, limit / 4);
        _crowded = crowded;
    }

    /// <summary>Asks for a place. It must be left, if it was got.</summary>
    /// <param name="from">Whose handshake it is.</param>
    /// <param name="isFirst">False: it had a place before, so that its wait is no other handshake's.</param>
    public Pass Enter(EndPoint? from, bool isFirst = true)
    {
        Pass pass;
        var first = false;
        lock (_lock)
        {
            var key = KeyOf(from);
            ref var source = ref CollectionsMarshal.GetValueRefOrAddDefault(_sources, key, out _);
            source ??= new Origin(key, key == NoAddress ? _limit : _share);
            pass = new Pass(source);
            if (_running < _limit && source.Running < source.Share)
            {
                // Nobody who could run waits as long as there is a place.
                Admit(pass);
                return pass;
            }

            source.Waiting.Enqueue(pass);
            first = isFirst && _delayed++ == 0;
            if (!source.HasTurn && source.Running < source.Share)
            {
                source.HasTurn = true;
                _turns.Enqueue(source);
            }
        }

        if (first)
        {
            try
            {
                _crowded(true, 1);
            }
            catch
            {
                // Whoever was to be told failed, so the caller gets no pass: nobody else could leave it.
                Leave(pass);
                throw;
            }
        }

        return pass;
    }

    /// <summary>Gives the place back, or gives up waiting for it.</summary>
    public void Leave(Pass pass)
    {
        long delayed = 0;
        lock (_lock)
        {
            if (!pass.Cancel())
            {
                var source = pass.Origin;
                _running--;
                source.Running--;
                Requeue(source);
            }

            Fill();
            if (_delayed > 0 && _turns.Count == 0 && _sources.Values.All(source => source.Waiting.Count == 0))
            {
                (delayed, _delayed) = (_delayed, 0);
            }
        }

        if (delayed > 0)
        {
            _crowded(false, delayed);
        }
    }

    private void Fill()
    {
        while (_running < _limit && _turns.TryDequeue(out var source))
        {
            source.HasTurn = false;
            while (source.Waiting.TryDequeue(out var pass))
            {
                if (pass.IsWaiting)
                {
                    Admit(pass);
                    break;
                }
            }

            Requeue(source);
        }
    }

    private void Admit(Pass pass)
    {
        // Given up meanwhile: who waits for nothing takes no place.
        if (pass.Admit())
        {
            _running++;
            pass.Origin.Running++;
        }
    }

    private void Requeue(Origin source)
    {
        if (source.Waiting.Count > 0)
        {
            if (!source.HasTurn && source.Running < source.Share)
            {
                source.HasTurn = true;
                _turns.Enqueue(source);
            }
        }
        else if (source is { Running: 0, HasTurn: false })
        {
            _sources.Remove(source.Key);
        }
    }

    private static object KeyOf(EndPoint? from)
    {
        if (from is not IPEndPoint { Address: var address })
        {
            return NoAddress;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    /// <summary>One handshake's place, or its wait for one.</summary>
    public sealed class Pass
    {
        private readonly TaskCompletionSource _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Pass(Origin source) => Origin = source;

        /// <summary>Completes with the place; is cancelled by <see cref="Cancel"/>.</summary>
        public Task Turn => _turn.Task;

        public bool IsWaiting => !_turn.Task.IsCompleted;

        internal Origin Origin { get; }

        /// <summary>Ends the wait, from any thread.</summary>
        /// <returns>False: the place was got, and must be left.</returns>
        public bool Cancel() => _turn.TrySetCanceled() || _turn.Task.IsCanceled;

        internal bool Admit() => _turn.TrySetResult();
    }

    internal sealed class Origin(object key, int share)
    {
        public object Key { get; } = key;

        public int Share { get; } = share;

        public int Running { get; set; }

        public Queue<Pass> Waiting { get; } = new();

        public bool HasTurn { get; set; }
    }
}
