namespace SocketKit.Tests;

/// <summary>A default value claims nothing, or is the default setting.</summary>
public class DefaultValueTests
{
    [Fact]
    public void What_was_never_said_is_none()
    {
        default(CloseKind).Should().Be(CloseKind.None);
        default(ClosePhase).Should().Be(ClosePhase.None);
        default(CloseParty).Should().Be(CloseParty.None);
        default(TlsFailure).Should().Be(TlsFailure.None);
        default(HeartbeatKind).Should().Be(HeartbeatKind.None);
        default(HeartbeatAction).Should().Be(HeartbeatAction.None);
        default(WireProtection).Should().Be(WireProtection.None);
        default(Reply).Should().Be(Reply.Pass);
        default(ReplyKind).Should().Be(ReplyKind.Pass);
        default(ClientState).Should().Be(ClientState.Disconnected);
        default(ServerState).Should().Be(ServerState.NotStarted);
        default(FrameKind).Should().Be(FrameKind.NeedMore);
    }

    [Fact]
    public void A_setting_that_was_never_made_is_the_default()
    {
        default(LengthField).Should().Be(new LengthPrefixedOptions().Field).And.Be(LengthField.FourBytes);
        default(ByteOrder).Should().Be(new LengthPrefixedOptions().ByteOrder).And.Be(ByteOrder.BigEndian);
        default(LineEnding).Should().Be(LineEnding.Any);
        default(SocketEngine).Should().Be(SocketEngine.Auto);
        default(ClientCertificateMode).Should().Be(new TlsListenOptions().ClientCertificateMode).And.Be(ClientCertificateMode.None);
    }

    [Fact]
    public void Credentials_that_nobody_gave_are_not_roots()
    {
        default(UnixCredentials).UserId.Should().Be(uint.MaxValue);
        default(UnixCredentials).GroupId.Should().Be(uint.MaxValue);
        new UnixCredentials().Should().Be(default(UnixCredentials));
        new UnixCredentials { UserId = 0 }.Should().NotBe(default(UnixCredentials));
        new UnixCredentials { ProcessId = 4711, UserId = 1000, GroupId = 0 }.Should().Be(new UnixCredentials(4711, 1000, 0));
        new UnixCredentials { ProcessId = 4711, UserId = 1000 }.ToString().Should().Be("process 4711 of user 1000");
    }

    [Fact]
    public void Records_that_will_grow_have_no_positional_constructor_and_no_deconstruction()
    {
        foreach (var type in new[] { typeof(CloseReason), typeof(ClientStateChange), typeof(HeartbeatDecision), typeof(UnixCredentials) })
        {
            type.GetConstructors().Should().NotContain(constructor => constructor.GetParameters().Length > 0, type.Name);
            type.GetMethod("Deconstruct").Should().BeNull(type.Name);
        }
    }

    [Fact]
    public void A_test_double_can_make_each_by_an_object_initializer()
    {
        var reason = new CloseReason { Kind = CloseKind.PeerClosed, By = CloseParty.Peer, Detail = "gone" };
        reason.ToString().Should().Be("PeerClosed by Peer while None: gone");
        reason.Should().Be(new CloseReason(CloseKind.PeerClosed, ClosePhase.None, CloseParty.Peer, "gone", null));

        var change = new ClientStateChange { To = ClientState.Waiting, Reason = reason, Attempt = 2, RetryIn = TimeSpan.FromSeconds(1) };
        change.Should().Be(change with { }).And.NotBe(change with { Attempt = 3 });
        change.ToString().Should().Contain("To = Waiting").And.Contain("Attempt = 2");

        var second = TimeSpan.FromSeconds(1);
        new HeartbeatDecision { Action = HeartbeatAction.Send, Due = second }.Should().Be(HeartbeatDecision.Send(second));
        default(HeartbeatDecision).Should().Be(HeartbeatDecision.Wait(TimeSpan.Zero));
    }
}
