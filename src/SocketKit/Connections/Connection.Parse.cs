using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using SocketKit.Diagnostics;
using SocketKit.Framing;

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

    /// <summary>Discarded since the last message.</summary>
    private long _discarded;

    /// <summary>Nothing is parsed yet, and a byte order mark may come.</summary>
    private bool _mayBeMarked;

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
            if (_mayBeMarked && !_holds && !TrySkipByteOrderMark())
            {
                return ParseResult.NeedMore;
            }

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

                    var input = _input.Span;
                    if (input.Length > _settings.MaxFrameLength)
                    {
                        input = Limit(input);
                    }

                    frame = _settings.Framer.Read(input, _resume);
                    if (!Accept(frame, input.Length, out var wait))
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
                    Hold(frame);
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
            // A message of the transport is received by itself: its replies wait for those of the messages right behind it.
            if (!_output.PreservesBoundaries)
            {
                Uncork(me);
            }

            _totals.AddMessages(_turn - before);
            if ((_wanted & Wanted.Traffic) != 0)
            {
                _settings.Metrics.Traffic.AddReceived(0, _turn - before);
            }
        }
    }

    private void Hold(in Frame frame)
    {
        (_held ??= new StrongBox<Frame>()).Value = frame;
        _holds = true;
    }

    /// <summary>An empty message of the transport: no framer is asked, since it has nothing to read. It waits where a message waits for room, so that it is delivered next.</summary>
    private void TakeEmptyMessage()
    {
        if (!_settings.Framer.TakesEmptyMessages)
        {
            return;
        }

        _turn++;
        _totals.AddMessages(1);
        if ((_wanted & Wanted.Traffic) != 0)
        {
            _settings.Metrics.Traffic.AddReceived(0, 1);
        }

        if (!((_settings.LooksAtMessages || _requests is not null) && TakeControl(default)))
        {
            Hold(Frame.Message(0, 0));
        }
    }

    /// <summary>The mark is no part of the text. It counts as discarded, so that it does not go in silence.</summary>
    /// <returns>False: more bytes must tell.</returns>
    private bool TrySkipByteOrderMark()
    {
        ReadOnlySpan<byte> mark = _settings.ByteOrderMark;
        var input = _input.Span;
        if (input.Length < mark.Length && mark.StartsWith(input))
        {
            return false;
        }

        _mayBeMarked = false;
        if (input.StartsWith(mark))
        {
            _input.Consume(mark.Length);
            Discarded(mark.Length);
        }

        return true;
    }

    /// <summary>A framer sees no more than the longest frame, however much has come: what it says, and when a frame is too long, does not depend on how the network cut the bytes.
    /// A message of the wire comes whole, so it is refused whole.</summary>
    private Span<byte> Limit(Span<byte> input)
    {
        if (_output.PreservesBoundaries)
        {
            ThrowTooLarge(_settings.MaxFrameLength + 1L);
        }

        return input[.._settings.MaxFrameLength];
    }

    /// <summary>The guards around a framer. True: a message that is all there. False: nothing to deliver; <paramref name="wait"/> says if more bytes are needed first.</summary>
    /// <param name="frame">What the framer said.</param>
    /// <param name="seen">How many bytes it was given.</param>
    /// <param name="wait">More bytes are needed.</param>
    private bool Accept(in Frame frame, int seen, out bool wait)
    {
        wait = true;
        switch (frame.Kind)
        {
            case FrameKind.NeedMore:
                if (seen >= _settings.MaxFrameLength)
                {
                    ThrowTooLarge(_settings.MaxFrameLength + 1L);
                }

                _resume = frame.Value;
                _needed = seen + 1L;
                return false;

            case FrameKind.NeedTotal:
                if (frame.Value > _settings.MaxFrameLength)
                {
                    ThrowTooLarge(frame.Value);
                }

                if (frame.Value <= seen)
                {
                    ThrowWrong(frame, seen);
                }

                _needed = frame.Value;
                return false;

            case FrameKind.Discard:
                CheckConsumed(frame, seen);
                wait = false;
                _resume = _needed = 0;
                _input.Consume((int)frame.Consumed);
                Discarded(frame.Consumed);
                return false;

            default:
                CheckConsumed(frame, seen);
                _resume = _needed = 0;
                _discarded = 0;
                return true;
        }
    }

    private static void CheckConsumed(in Frame frame, int seen)
    {
        if (frame.Consumed < 1 || frame.Consumed > seen)
        {
            ThrowWrong(frame, seen);
        }
    }

    [DoesNotReturn]
    private void ThrowTooLarge(long length) => throw new FrameTooLargeException(length, _settings.MaxFrameLength);

    [DoesNotReturn]
    private static void ThrowWrong(in Frame frame, int seen) => throw new InvalidOperationException(frame.Kind == FrameKind.NeedTotal
        ? $"The framer asks for {frame.Value} bytes in all, and {seen} are there"
        : $"The framer says {frame} of an input of {seen} bytes; what a frame takes must lie in 1..{seen}");

    /// <summary>Counts bytes and not pieces: into how many pieces the same noise falls is the network's affair.</summary>
    private void Discarded(long count)
    {
        if (_discarded == 0)
        {
            var level = _settings.Floods.LevelOf(LogLevel.Information, "runs of discarded bytes");
            Log.Discarded(_settings.Logger, level, Id, this, count);
        }

        using (_gate.Enter())
        {
            Extras.BytesDiscarded += count;
        }

        _settings.Metrics.Count(SocketKitMetrics.DiscardedBytes, count);
        _discarded += count;
        DiscardLimit.Check(_discarded);
    }

    private void GuardUnfinishedMessage()
    {
        if (_input.Length > _settings.MaxFrameLength)
        {
            FramerThrew(new FrameTooLargeException(_settings.MaxFrameLength + 1L, _settings.MaxFrameLength));
            _input.Clear();
        }
    }

    private void FramerThrew(Exception exception)
    {
        switch (exception)
        {
            case FrameTooLargeException:
                TryClose(CloseKind.FrameTooLarge, CloseParty.Peer, ExceptionText.MessageOf(exception), exception, graceful: true);
                break;
            case FramingException:
                TryClose(CloseKind.ProtocolError, CloseParty.Peer, ExceptionText.MessageOf(exception), exception, graceful: true);
                break;
            default:
                LogFramerFailure(exception);
                TryClose(CloseKind.FramerFailed, CloseParty.Local, $"{_settings.Framer.GetType().Name} threw {exception.GetType().Name}: {LogText.MessageOf(exception)}", exception, graceful: true);
                break;
        }
    }

    /// <summary>No frame was begun and not finished.</summary>
    private bool IsInputWhole => _input.Length == 0 || (_settings.Framer is IFramerFacts facts && facts.IsBetweenFrames(_input.Span));

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
            LogFramerFailure(exception);
            return $"{_input.Length} bytes of an unfinished frame";
        }
    }
}
