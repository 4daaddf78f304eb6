using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;

namespace SocketKit.Connections;

// Parsing: the framer, and the guards around it. Belongs to the receive loop.
internal sealed partial class Connection
{
    /// <summary>The framer's cookie for the frame at the start of the input.</summary>
    private long _resume;

    /// <summary>The framer is not called before the input has this many bytes.</summary>
    private long _needed;

    /// <summary>A message that is parsed (and perhaps rewritten in place, so it must not be parsed twice) but does not fit into the mailbox.</summary>
    private StrongBox<Frame>? _held;

    /// <summary>There is one.</summary>
    private bool _holds;
    private int _discards;
    private long _discardedBytes;

    /// <summary>Messages of this turn.</summary>
    private int _turn;

    private enum ParseResult
    {
        NeedMore,
        MailboxFull,
        Barrier,
        TurnOver,
        Dead,
    }

    /// <summary>Takes all whole frames out of the input, and flushes what the handler answered in one go.</summary>
    /// <param name="me">The thread that this runs on.</param>
    private ParseResult ParseBatch(int me)
    {
        var before = _turn;
        try
        {
            while (true)
            {
                if (_reason is not null)
                {
                    return ParseResult.Dead;
                }

                Frame frame;
                if (_holds)
                {
                    frame = _held!.Value;
                }
                else
                {
                    if (_input.Length == 0 || _input.Length < _needed)
                    {
                        return ParseResult.NeedMore;
                    }

                    if (_turn >= ConnectionSettings.MessagesPerTurn)
                    {
                        return ParseResult.TurnOver;
                    }

                    frame = _settings.Framer.Read(_input.Span, _resume);
                    if (!Accept(frame, out var wait))
                    {
                        if (wait)
                        {
                            return ParseResult.NeedMore;
                        }

                        continue;
                    }

                    _turn++;
                    if ((_settings.LooksAtMessages || _requests is not null) && TakeControl(_input.Span.Slice(frame.HeaderLength, frame.Length)))
                    {
                        _input.Consume((int)frame.Consumed);
                        continue;
                    }
                }

                if (!TryDeliver(frame, me))
                {
                    (_held ??= new StrongBox<Frame>()).Value = frame;
                    _holds = true;
                    return ParseResult.MailboxFull;
                }

                _holds = false;
                if (frame.IsBarrier)
                {
                    return ParseResult.Barrier;
                }
            }
        }
#pragma warning disable CA1031 // A framer is user code: whatever it throws ends this connection and no other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            FramerThrew(exception);
            return ParseResult.Dead;
        }
        finally
        {
            Uncork(me);
            if ((_wanted & Wanted.Traffic) != 0)
            {
                _settings.Metrics.Traffic.AddReceived(0, _turn - before);
            }
        }
    }

    /// <summary>The guards around a framer. True: a message that is all there. False: nothing to deliver; <paramref name="wait"/> says if more bytes are needed first.</summary>
    private bool Accept(in Frame frame, out bool wait)
    {
        var max = _settings.MaxFrameLength;
        wait = true;
        switch (frame.Kind)
        {
            case FrameKind.NeedMore:
                if (_input.Length >= max)
                {
                    ThrowTooLarge(_input.Length + 1L);
                }

                _resume = frame.Value;
                _needed = _input.Length + 1L;
                return false;

            case FrameKind.NeedTotal:
                if (frame.Value > max)
                {
                    ThrowTooLarge(frame.Value);
                }

                if (frame.Value <= _input.Length)
                {
                    ThrowWrong(frame);
                }

                _needed = frame.Value;
                return false;

            case FrameKind.Discard:
                CheckConsumed(frame);
                wait = false;
                _resume = _needed = 0;
                _input.Consume((int)frame.Consumed);
                Discarded(frame.Consumed);
                return false;

            default:
                CheckConsumed(frame);
                if (frame.Consumed > max)
                {
                    ThrowTooLarge(frame.Consumed);
                }

                _resume = _needed = 0;
                _discards = 0;
                _discardedBytes = 0;
                return true;
        }
    }

    private void CheckConsumed(in Frame frame)
    {
        if (frame.Consumed < 1 || frame.Consumed > _input.Length)
        {
            ThrowWrong(frame);
        }
    }

    [DoesNotReturn]
    private void ThrowTooLarge(long length) => throw new FrameTooLargeException(length, _settings.MaxFrameLength);

    [DoesNotReturn]
    private void ThrowWrong(in Frame frame) => throw new InvalidOperationException(frame.Kind == FrameKind.NeedTotal
        ? $"The framer asks for {frame.Value} bytes in all, and {_input.Length} are there"
        : $"The framer says {frame} of an input of {_input.Length} bytes; what a frame takes must lie in 1..{_input.Length}");

    private void Discarded(long count)
    {
        if (_discards == 0)
        {
            var level = _settings.Floods.LevelOf(LogLevel.Information, "runs of discarded bytes");
            Log.Discarded(_settings.Logger, level, Id, this, count);
        }

        _settings.Metrics.Count(SocketKitMetrics.DiscardedBytes, count);
        _discards++;
        _discardedBytes += count;
        if (_discards > ConnectionSettings.MaxDiscardsInARow || _discardedBytes > ConnectionSettings.MaxDiscardedBytesInARow)
        {
            throw new FramingException($"{_discardedBytes} bytes were discarded in a row without a message");
        }
    }

    private void GuardUnfinishedMessage()
    {
        if (_input.Length > _settings.MaxFrameLength)
        {
            FramerThrew(new FrameTooLargeException(_input.Length, _settings.MaxFrameLength));
            _input.Clear();
        }
    }

    private void FramerThrew(Exception exception)
    {
        switch (exception)
        {
            case FrameTooLargeException:
                TryClose(CloseKind.FrameTooLarge, CloseParty.Peer, CloseReason.MessageOf(exception), exception, graceful: true);
                break;
            case FramingException:
                TryClose(CloseKind.ProtocolError, CloseParty.Peer, CloseReason.MessageOf(exception), exception, graceful: true);
                break;
            default:
                Log.FramerFailed(_settings.Logger, Id, this, _settings.Framer.GetType().Name, exception);
                TryClose(CloseKind.FramerFailed, CloseParty.Local, $"{_settings.Framer.GetType().Name} threw {exception.GetType().Name}: {LogText.MessageOf(exception)}", exception, graceful: true);
                break;
        }
    }

    private string DescribeIncomplete()
    {
        try
        {
            return _settings.Framer.DescribeIncomplete(_input.Span);
        }
#pragma warning disable CA1031 // A framer is user code; the description is a courtesy.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.FramerFailed(_settings.Logger, Id, this, _settings.Framer.GetType().Name, exception);
            return $"{_input.Length} bytes of an unfinished frame";
        }
    }
}
