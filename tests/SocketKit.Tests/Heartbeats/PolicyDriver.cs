using System.Buffers;
using System.Text;
using SocketKit.Heartbeats;

namespace SocketKit.Tests.Heartbeats;

/// <summary>Drives a policy as a connection does, in steps of 100 ms of virtual time, and keeps the facts for it.</summary>
internal sealed class PolicyDriver(IHeartbeatPolicy policy)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    private BeatRate _rate;
    private TimeSpan _now;
    private TimeSpan _due;
    private TimeSpan _received;
    private TimeSpan _sent;
    private TimeSpan _ping;
    private long _beatsSent;
    private int _outstanding;

    /// <summary>When beats were sent, in seconds since the connection was opened.</summary>
    public List<double> Sent { get; } = [];

    /// <summary>When the policy closed or refused the connection, or null.</summary>
    public double? Ended { get; private set; }

    public HeartbeatAction LastAction { get; private set; }

    public int Decisions { get; private set; }

    public long BeatsReceived { get; set; }

    /// <summary>Are beats skipped, as while bytes are queued?</summary>
    public bool SkipsBeats { get; set; }

    public ConnectionPulse Pulse => new()
    {
        SinceReceived = _now - _received,
        SinceSent = _now - _sent,
        BeatsSent = _beatsSent,
        PingsOutstanding = _outstanding,
        SincePing = _beatsSent == 0 ? TimeSpan.Zero : _now - _ping,
        BeatsReceived = BeatsReceived,
        SinceOpened = _now,
    };

    public void Receive() => _received = _now;

    public void ReceivePong()
    {
        _received = _now;
        _outstanding = 0;
        BeatsReceived++;
    }

    public void SendData() => _sent = _now;

    /// <summary>Lets time pass; before each tick the peer may do something at that second.</summary>
    public void Run(double seconds, Action<double>? eachTick = null)
    {
        var end = _now + TimeSpan.FromSeconds(seconds);
        while (_now < end && Ended is null)
        {
            eachTick?.Invoke(_now.TotalSeconds);
            if (_now >= _due)
            {
                Decide();
            }

            _now += Tick;
        }
    }

    /// <summary>Time passes in one leap, as when the process was suspended, with one decision at its end.</summary>
    public HeartbeatDecision Leap(TimeSpan time)
    {
        _now += time;
        return Decide();
    }

    private HeartbeatDecision Decide()
    {
        Decisions++;
        var decision = policy.Decide(Pulse with { BeatsPerSecond = _rate.Note(BeatsReceived, _now) }, null);
        LastAction = decision.Action;
        _due = decision.Due == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : _now + decision.Due;
        if (decision.Action == HeartbeatAction.Send && !SkipsBeats)
        {
            Sent.Add(_now.TotalSeconds);
            _sent = _now;
            _ping = _now;
            _beatsSent++;
            _outstanding++;
        }
        else if (decision.Action is HeartbeatAction.Close or HeartbeatAction.Refuse)
        {
            Ended = _now.TotalSeconds;
        }

        return decision;
    }
}

internal static class Wire
{
    public static string Written(this IHeartbeatPolicy policy, HeartbeatKind kind, ConnectionPulse pulse = default, string ping = "")
    {
        var output = new ArrayBufferWriter<byte>();
        policy.Write(kind, pulse, Encoding.UTF8.GetBytes(ping), null, output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    public static HeartbeatKind Classified(this IHeartbeatPolicy policy, string message) =>
        policy.Classify(Encoding.UTF8.GetBytes(message), null);
}
