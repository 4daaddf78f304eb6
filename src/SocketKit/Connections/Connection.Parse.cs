using SocketKit.Diagnostics;
using SocketKit.Framing;

namespace SocketKit.Connections;

// Parsing: the framer, and the guards around it. Belongs to the receive loop.
internal sealed partial class Connection
{
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
            if (!_handlers.IsHolding && !TrySkipByteOrderMark())
            {
                return ParseResult.NeedMore;
            }

            while (true)
            {
                if (_life.IsClosing)
                {
                    return ParseResult.Dead;
                }

                Frame frame;
                if (_handlers.IsHolding)
                {
                    frame = _handlers.Held;
                }
                else
                {
                    if (!_input.MayRead)
                    {
                        return ParseResult.NeedMore;
                    }

                    if (_turn >= ConnectionSettings.MessagesPerTurn)
                    {
                        return ParseResult.TurnOver;
                    }

                    switch (_input.Read(out frame))
                    {
                        case FrameParser.Step.More:
                            return ParseResult.NeedMore;
                        case FrameParser.Step.Discarded:
                            _input.Consume(frame);
                            Discarded(frame.Consumed);
                            continue;
                        default:
                            break;
                    }

                    _turn++;
                    if ((_settings.LooksAtMessages || _requests is not null) && TakeControl(_input.SpanOf(frame)))
                    {
                        _input.Consume(frame);
                        continue;
                    }
                }

                if (!TryDeliver(frame, me))
                {
                    _handlers.Hold(frame);
                    return ParseResult.MailboxFull;
                }

                _handlers.LetGo();
                if (frame.IsBarrier)
                {
                    return ParseResult.Barrier;
                }
            }
        }
        catch (Exception exception)
        {
            FramerThrew(exception);
            return ParseResult.Dead;
        }
        finally
        {
            // A message of the transport is received by itself: its replies wait for those of the messages right behind it.
            if (!_sends.PreservesBoundaries)
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

    /// <summary>
    /// An empty message of the transport: no framer is asked, since it has nothing to read. It waits where a message waits for room, so
    /// that it is delivered next.
    /// </summary>
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
            _handlers.Hold(Frame.Message(0, 0));
        }
    }

    /// <summary>The mark is no part of the text. It counts as discarded, so that it does not go in silence.</summary>
    /// <returns>False: more bytes must tell.</returns>
    private bool TrySkipByteOrderMark()
    {
        if (!_input.TrySkipByteOrderMark(out var skipped))
        {
            return false;
        }

        if (skipped > 0)
        {
            Discarded(skipped);
        }

        return true;
    }

    private void Discarded(long count)
    {
        if (!_input.IsDiscarding)
        {
            _settings.Lines.Discarded(this, count);
        }

        using (_lock.Enter())
        {
            Extras.BytesDiscarded += count;
        }

        _settings.Metrics.Count(SocketKitMetrics.DiscardedBytes, count);
        _input.CountDiscarded(count);
    }

    private void GuardUnfinishedMessage()
    {
        try
        {
            _input.CheckLength();
        }
        catch (FrameTooLargeException exception)
        {
            FramerThrew(exception);
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
                _settings.Lines.FramerFailed(this, _settings.Framer, exception);
                var detail = $"{_settings.Framer.GetType().Name} threw {exception.GetType().Name}: {LogText.MessageOf(exception)}";
                TryClose(CloseKind.FramerFailed, CloseParty.Local, detail, exception, graceful: true);
                break;
        }
    }

    private string DescribeIncomplete()
    {
        try
        {
            return _input.DescribeIncomplete();
        }
        catch (Exception exception)
        {
            // A framer is user code; the description is a courtesy.
            _settings.Lines.FramerFailed(this, _settings.Framer, exception);
            return $"{_input.Length} bytes of an unfinished frame";
        }
    }
}
