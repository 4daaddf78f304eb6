using System.Net.Security;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace SocketKit.Load.Driving;

/// <summary>
/// The TLS of one link, on the thread that polls it: bytes that came are given to SslStream, which completes at once, on this stack. The
/// handshake blocks. An idle link holds no buffer. Whose the certificate is does not matter here. Not thread-safe.
/// </summary>
internal sealed class TlsLink : IDisposable
{
    private const int Size = 64 * 1024;

    [ThreadStatic]
    private static byte[]? _scratch;

    [ThreadStatic]
    private static byte[]? _plain;

    private readonly Wire _wire;
    private readonly SslStream _stream;
    private ValueTask<int>? _waiting;
    private bool _drained;

    private TlsLink(Socket socket)
    {
        _wire = new Wire(socket);
        _stream = new SslStream(_wire);
    }

    /// <summary>Does the handshake over a socket that blocks.</summary>
    public static TlsLink Connect(Socket socket)
    {
        var link = new TlsLink(socket);
        try
        {
#pragma warning disable CA5359 // The load measures; it keeps no secret.
            link._stream.AuthenticateAsClient(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => true });
#pragma warning restore CA5359
            link._wire.Blocks = false;
            return link;
        }
        catch
        {
            link.Dispose();
            throw;
        }
    }

    /// <summary>As <see cref="Poller.Receive"/>: what is decrypted. Less than the buffer holds means that the socket is empty.</summary>
    public int Receive(Poller poller, Link link, Span<byte> buffer)
    {
        var total = 0;
        _drained = false;
        while (total < buffer.Length)
        {
            // An empty read tells when there is something to decrypt, and needs no buffer until then.
            var waiting = _waiting ??= _stream.ReadAsync(Memory<byte>.Empty);
            if (!waiting.IsCompleted)
            {
                if (!Fill(poller, link))
                {
                    break;
                }

                continue;
            }

            _ = waiting.GetAwaiter().GetResult();
            _waiting = null;
            var plain = _plain ??= new byte[Size];
            var read = _stream.ReadAsync(plain.AsMemory(0, Math.Min(plain.Length, buffer.Length - total)));
            while (!read.IsCompleted)
            {
                // Nothing but a session's ticket was there.
                if (!Fill(poller, link))
                {
                    throw new InvalidOperationException("A read that was promised data waits.");
                }
            }

            var count = read.GetAwaiter().GetResult();
            if (count == 0)
            {
                return total;
            }

            plain.AsSpan(0, count).CopyTo(buffer[total..]);
            total += count;
        }

        return total > 0 ? total : _wire.Ended ? 0 : Poller.WouldBlock;
    }

    /// <summary>As <see cref="Poller.Send"/>: all is taken when anything is.</summary>
    public int Send(Poller poller, Link link, ReadOnlySpan<byte> bytes)
    {
        if (!Flush(poller, link))
        {
            return Poller.WouldBlock;
        }

        var plain = _plain ??= new byte[Size];
        var count = Math.Min(bytes.Length, plain.Length);
        bytes[..count].CopyTo(plain);
        _stream.Write(plain, 0, count);
        Flush(poller, link);
        return count;
    }

    /// <summary>Sends what is encrypted and was not taken yet. False: some is left.</summary>
    public bool Flush(Poller poller, Link link)
    {
        while (_wire.Unsent is { IsEmpty: false } unsent)
        {
            var sent = poller.SendBytes(link, unsent);
            if (sent == Poller.WouldBlock)
            {
                return false;
            }

            _wire.Sent(sent);
        }

        return true;
    }

    public void Dispose() => _stream.Dispose();

    /// <summary>Gets more from the socket. False: there is no more.</summary>
    private bool Fill(Poller poller, Link link)
    {
        if (_drained)
        {
            return false;
        }

        var scratch = _scratch ??= new byte[Size];
        var count = poller.ReceiveBytes(link, scratch);
        if (count == Poller.WouldBlock)
        {
            return false;
        }

        _drained = count < scratch.Length;
        _wire.Feed(scratch.AsSpan(0, count));
        return true;
    }

    /// <summary>What SslStream reads and writes: the socket during the handshake, buffers afterwards.</summary>
    private sealed class Wire(Socket socket) : Stream, IValueTaskSource<int>
    {
        private ManualResetValueTaskSourceCore<int> _read;
        private Memory<byte> _target;
        private bool _reading;
        private byte[] _came = [];
        private int _start;
        private int _end;
        private byte[] _out = [];
        private int _sent;
        private int _written;

        public bool Blocks { get; set; } = true;

        public bool Ended { get; private set; }

        public ReadOnlySpan<byte> Unsent => _out.AsSpan(_sent, _written - _sent);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public void Sent(int count)
        {
            _sent += count;
            if (_sent == _written)
            {
                // One record's worth is kept, what a burst took is not.
                (_sent, _written, _out) = (0, 0, _out.Length > 4096 ? [] : _out);
            }
        }

        public void Feed(ReadOnlySpan<byte> bytes)
        {
            if (bytes.IsEmpty)
            {
                Ended = true;
            }

            if (_end + bytes.Length > _came.Length)
            {
                var grown = new byte[Math.Max(_end - _start + bytes.Length, 1024)];
                _came.AsSpan(_start, _end - _start).CopyTo(grown);
                (_came, _end, _start) = (grown, _end - _start, 0);
            }

            bytes.CopyTo(_came.AsSpan(_end));
            _end += bytes.Length;
            if (_reading)
            {
                _reading = false;
                _read.SetResult(Take(_target));
            }
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_start < _end || Ended)
            {
                return new ValueTask<int>(Take(buffer));
            }

            if (Blocks)
            {
                return new ValueTask<int>(Read(buffer.Span));
            }

            _target = buffer;
            _reading = true;
            _read.Reset();
            return new ValueTask<int>(this, _read.Version);
        }

        public override int Read(Span<byte> buffer) => buffer.IsEmpty ? 0 : socket.Receive(buffer);

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (Blocks)
            {
                while (!buffer.IsEmpty)
                {
                    buffer = buffer[socket.Send(buffer)..];
                }

                return;
            }

            if (_written + buffer.Length > _out.Length)
            {
                Array.Resize(ref _out, Math.Max(_written + buffer.Length, 2 * _out.Length));
            }

            buffer.CopyTo(_out.AsSpan(_written));
            _written += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Write(buffer.Span);
            return default;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        int IValueTaskSource<int>.GetResult(short token) => _read.GetResult(token);

        ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _read.GetStatus(token);

        void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _read.OnCompleted(continuation, state, token, flags);

        private int Take(Memory<byte> buffer)
        {
            var count = Math.Min(buffer.Length, _end - _start);
            _came.AsSpan(_start, count).CopyTo(buffer.Span);
            _start += count;
            if (_start == _end)
            {
                (_start, _end, _came) = (0, 0, _came.Length > 4096 ? [] : _came);
            }

            return count;
        }
    }
}
