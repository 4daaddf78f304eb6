using System.Net;

namespace SocketKit.AspNetCore.Tests.TestDoubles;

/// <summary>A wire whose verbs complete when the test says so.</summary>
internal sealed class ScriptedTransport : Transport
{
    private readonly CancellationTokenSource _hungUp = new();
    private TaskCompletionSource<ReceiveResult>? _receive;
    private TaskCompletionSource? _send;
    private TaskCompletionSource? _turn;
    private Memory<byte> _buffer;

    public override EndPoint? LocalEndPoint => null;

    public override EndPoint? RemoteEndPoint => null;

    public override long BytesSent => Sent.Count;

    public override CancellationToken HungUp => _hungUp.Token;

    public List<byte> Sent { get; } = [];

    public int Sends { get; private set; }

    public int Waits { get; private set; }

    public int Receives { get; private set; }

    public bool IsFinished { get; private set; }

    public bool IsAborted { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>Sends wait for <see cref="CompleteSend"/>.</summary>
    public bool HoldsSends { get; set; }

    /// <summary>There is always input: waits and receives complete at once, a receive with one byte.</summary>
    public bool HasEndlessInput { get; set; }

    /// <summary>Turns in the engine's queue that were asked for.</summary>
    public int Turns { get; private set; }

    public bool IsReceiving => _receive is not null;

    public bool IsSending => _send is not null;

    public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
    {
        if (_receive is not null)
        {
            throw new InvalidOperationException("A receive is outstanding");
        }

        if (IsAborted)
        {
            throw new IOException("aborted");
        }

        _ = buffer.IsEmpty ? Waits++ : Receives++;
        if (HasEndlessInput)
        {
            return new ValueTask<ReceiveResult>(new ReceiveResult { Count = Math.Min(1, buffer.Length) });
        }

        _buffer = buffer;
        _receive = new TaskCompletionSource<ReceiveResult>();
        return new ValueTask<ReceiveResult>(_receive.Task);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> batch)
    {
        if (_send is not null)
        {
            throw new InvalidOperationException("A send is outstanding");
        }

        if (IsAborted)
        {
            throw new IOException("aborted");
        }

        Sends++;
        Sent.AddRange(batch.Span);
        if (!HoldsSends)
        {
            return default;
        }

        _send = new TaskCompletionSource();
        return new ValueTask(_send.Task);
    }

    public override ValueTask CompleteOutputAsync()
    {
        IsFinished = true;
        return default;
    }

    /// <summary>A turn comes when the test says so, by <see cref="Turn"/>.</summary>
    public override ValueTask YieldAsync()
    {
        Turns++;
        _turn = new TaskCompletionSource();
        return new ValueTask(_turn.Task);
    }

    public override void Abort()
    {
        IsAborted = true;
        FailReceive(new IOException("aborted"));
        FailSend(new IOException("aborted"));
    }

    public override ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return default;
    }

    /// <summary>Completes the wait, if one is outstanding, then the receive, with these bytes; none: the end of the stream.</summary>
    public void Arrive(params byte[] bytes)
    {
        if (_buffer.IsEmpty)
        {
            Readable();

            // Who had not begun to await the wait goes on by itself, on another thread.
            SpinWait.SpinUntil(() => IsReceiving, Bytes.Bound);
        }

        SynchronizationContext.SetSynchronizationContext(null);
        bytes.CopyTo(_buffer);
        Take(ref _receive)!.SetResult(new ReceiveResult { Count = bytes.Length });
    }

    /// <summary>Completes the wait only.</summary>
    public void Readable()
    {
        // Continuations run on this stack, as they do on an engine's.
        SynchronizationContext.SetSynchronizationContext(null);
        Take(ref _receive)!.SetResult(default);
    }

    public void FailReceive(Exception exception)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        Take(ref _receive)?.SetException(exception);
    }

    public void CompleteSend()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        Take(ref _send)!.SetResult();
    }

    public void FailSend(Exception exception)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        Take(ref _send)?.SetException(exception);
    }

    /// <summary>The engine's queue comes to the turn that was asked for.</summary>
    public void Turn()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        Take(ref _turn)!.SetResult();
    }

    public void HangUp() => _hungUp.Cancel();

    private static T? Take<T>(ref T? field)
        where T : class
    {
        var value = field;
        field = null;
        return value;
    }
}
