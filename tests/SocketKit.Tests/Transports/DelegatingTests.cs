using System.Net;
using System.Net.Sockets;
using System.Reflection;
using SocketKit.PassThrough;

namespace SocketKit.Tests.Transports;

/// <summary>The bases for decorators forward everything, whatever is added to the seam later.</summary>
public class DelegatingTests
{
    [Theory]
    [InlineData(typeof(Transport), typeof(DelegatingTransport))]
    [InlineData(typeof(Listener), typeof(DelegatingListener))]
    [InlineData(typeof(Dialer), typeof(DelegatingDialer))]
    public void Every_member_that_can_be_overridden_is_forwarded(Type seam, Type decorator)
    {
        var asked = seam.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(method => method.IsVirtual && !method.IsFinal && method.DeclaringType == seam)
            .ToArray();
        asked.Should().NotBeEmpty();

        asked.Where(method => method.IsAssembly).Should().BeEmpty("a decorator written elsewhere could not forward it");
        var forwarded = decorator.GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly).Select(Signature).ToArray();
        asked.Select(Signature).Should().BeSubsetOf(forwarded);
    }

    [Fact]
    public async Task A_transport_that_changes_nothing_says_and_does_what_the_inner_one_says_and_does()
    {
        var inner = new Telling();
        await using var outer = new PassThroughTransport(inner);
        var observer = new Listening();

        outer.LocalEndPoint.Should().Be(inner.LocalEndPoint);
        outer.RemoteEndPoint.Should().Be(inner.RemoteEndPoint);
        outer.PreservesMessageBoundaries.Should().BeTrue();
        outer.CompletesInDefaultContext.Should().BeTrue();
        outer.BytesSent.Should().Be(1);
        outer.SendProgress.Should().Be(2);
        outer.BytesReceived.Should().Be(3);
        outer.BytesUnread.Should().Be(4);
        outer.HungUp.CanBeCanceled.Should().BeTrue();
        outer.Find<Telling>().Should().BeSameAs(inner);
        outer.Find<TlsInfo>().Should().BeNull();
        outer.Observe(observer).Should().BeTrue();
        outer.CheckPeer();
        observer.Finished.Should().Be(1);
        using var view = outer.CreateSocketView();
        view.Should().NotBeNull();
        await outer.OpenAsync(CancellationToken.None);
        (await outer.ReceiveAsync(new byte[7])).Should().Be(new ReceiveResult { Count = 7, EndOfMessage = true });
        await outer.SendAsync(new byte[5]);
        await outer.SendAsync(new byte[6], new[] { 2, 6 });
        await outer.CompleteOutputAsync();
        await outer.YieldAsync();
        outer.Abort();
        await outer.DisposeAsync();

        inner.Calls.Should().Equal("check", "open", "receive 7", "send 5", "send 6 2,6", "complete", "yield", "abort", "dispose");
    }

    [Fact]
    public async Task A_listener_and_a_dialer_that_change_nothing_say_and_do_what_the_inner_ones_say_and_do()
    {
        var services = new TransportServices();
        var network = new InMemoryNetwork();
        var inner = network.Listen("server");
        var outer = new PassThroughListener(inner);
        var dialer = new PassThroughDialer(network.Dial("server"));

        outer.EndPoint.Should().Be(inner.EndPoint);
        outer.Protection.Should().Be(WireProtection.Confidential);
        outer.ProtectionText.Should().Be("in memory");
        outer.CertificateExpires.Should().BeNull();
        outer.ToString().Should().Be("memory://server");
        dialer.Protection.Should().Be(WireProtection.Confidential);
        dialer.ToString().Should().Be("memory://server");
        await outer.BindAsync(services, CancellationToken.None);
        var accept = outer.AcceptAsync().AsTask();
        await using var dialed = await dialer.DialAsync(services, CancellationToken.None);
        await using var accepted = await accept;
        dialed.Should().BeOfType<PassThroughTransport>();
        accepted.Should().BeOfType<PassThroughTransport>();
        await outer.StopAsync();
        (await outer.AcceptAsync()).Should().BeNull();
        await outer.DisposeAsync();
    }

    [Fact]
    public void A_decorator_of_nothing_is_refused()
    {
        FluentActions.Invoking(() => new PassThroughTransport(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => new PassThroughListener(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => new PassThroughDialer(null!)).Should().Throw<ArgumentNullException>();
    }

    private static string Signature(MethodInfo method) => $"{method.Name}({string.Join(", ", method.GetParameters().Select(parameter => parameter.ParameterType))})";

    /// <summary>A transport that has an answer of its own to everything.</summary>
    private sealed class Telling : Transport
    {
        private readonly CancellationTokenSource _hungUp = new();
        private ITransportObserver? _observer;

        public List<string> Calls { get; } = [];

        public override EndPoint LocalEndPoint { get; } = new IPEndPoint(IPAddress.Loopback, 1);

        public override EndPoint RemoteEndPoint { get; } = new IPEndPoint(IPAddress.Loopback, 2);

        public override bool PreservesMessageBoundaries => true;

        public override bool CompletesInDefaultContext => true;

        public override long BytesSent => 1;

        public override long SendProgress => 2;

        public override long BytesReceived => 3;

        public override long BytesUnread => 4;

        public override CancellationToken HungUp => _hungUp.Token;

        public override T? Find<T>()
            where T : class => this as T;

        public override bool Observe(ITransportObserver observer)
        {
            _observer = observer;
            return true;
        }

        public override void CheckPeer()
        {
            Calls.Add("check");
            _observer!.PeerFinished();
        }

        public override Socket CreateSocketView() => new(SocketType.Stream, ProtocolType.Tcp);

        public override ValueTask OpenAsync(CancellationToken cancellationToken) => Note("open");

        public override ValueTask<ReceiveResult> ReceiveAsync(Memory<byte> buffer)
        {
            Calls.Add($"receive {buffer.Length}");
            return new(new ReceiveResult { Count = buffer.Length, EndOfMessage = true });
        }

        public override ValueTask SendAsync(ReadOnlyMemory<byte> batch) => Note($"send {batch.Length}");

        public override ValueTask SendAsync(ReadOnlyMemory<byte> batch, ReadOnlyMemory<int> messageEnds) => Note($"send {batch.Length} {string.Join(',', messageEnds.ToArray())}");

        public override ValueTask CompleteOutputAsync() => Note("complete");

        public override ValueTask YieldAsync() => Note("yield");

        public override void Abort() => Calls.Add("abort");

        public override ValueTask DisposeAsync()
        {
            if (!Calls.Contains("dispose"))
            {
                Calls.Add("dispose");
                _hungUp.Dispose();
            }

            return default;
        }

        private ValueTask Note(string call)
        {
            Calls.Add(call);
            return default;
        }
    }

    private sealed class Listening : ITransportObserver
    {
        public int Finished { get; private set; }

        public void PeerFinished() => Finished++;

        public void PeerGone(Exception exception) => throw new NotSupportedException();

        public void CompletionTakesLong() => throw new NotSupportedException();

        public void LoopBlocked(TimeSpan time, bool goesOn) => throw new NotSupportedException();

        public void NoThreadLeft() => throw new NotSupportedException();

        public void CompletionFailed(Exception exception) => throw new NotSupportedException();
    }
}
