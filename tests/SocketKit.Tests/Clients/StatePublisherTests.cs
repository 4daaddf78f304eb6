using Microsoft.Extensions.Logging.Abstractions;
using SocketKit.Clients;
using SocketKit.Diagnostics;
using SocketKit.Tests.TestDoubles;
using static SocketKit.Tests.TestDoubles.Shorthand;

namespace SocketKit.Tests.Clients;

public class StatePublisherTests
{
    private readonly OwnerMetrics _metrics = OwnerMetrics.OfClient(nameof(StatePublisherTests) + Guid.NewGuid());
    private readonly List<ClientStateChange> _told = [];
    private readonly StateNotices _notices;
    private readonly StatePublisher _state;

    public StatePublisherTests()
    {
        _notices = new StateNotices(_told.Add, NullLogger.Instance);
        _state = new StatePublisher(_metrics, _notices);
    }

    [Fact]
    public async Task A_change_is_told_with_the_state_before_it_and_all_it_says()
    {
        var reason = Because(CloseKind.PeerReset);
        _state.Change(ClientState.Connecting, null, 0, null);
        _state.Change(ClientState.Waiting, reason, 1, TimeSpan.FromSeconds(2));

        await _notices.ToldAsync().WaitAsync(TestBed.Patience);
        _told.Select(change => (change.From, change.To, change.Reason, change.Attempt, change.RetryIn)).Should().Equal(
            (ClientState.Disconnected, ClientState.Connecting, null, 0, null),
            (ClientState.Connecting, ClientState.Waiting, reason, 1, TimeSpan.FromSeconds(2)));
        _state.Current.Should().Be(ClientState.Waiting);
    }

    [Fact]
    public void A_client_counts_in_one_state_from_its_first_change_until_it_is_disposed_of()
    {
        Counts().Should().AllSatisfy(count => count.Should().Be(0));

        _state.Change(ClientState.Connecting, null, 0, null);
        _state.Change(ClientState.Connected, null, 0, null);
        Counts().Should().Equal(Enum.GetValues<ClientState>().Select(state => state == ClientState.Connected ? 1L : 0));

        _state.Retire();
        Counts().Should().AllSatisfy(count => count.Should().Be(0));
        _state.Change(ClientState.Disconnected, null, 0, null);
        Counts().Should().AllSatisfy(count => count.Should().Be(0));
    }

    [Fact]
    public void Legal_transitions_are_those_of_the_table()
    {
        var states = Enum.GetValues<ClientState>();
        var legal = states.SelectMany(_ => states, (from, to) => (from, to)).Where(pair => StatePublisher.IsLegal(pair.from, pair.to));

        legal.Should().BeEquivalentTo(
        [
            (ClientState.Disconnected, ClientState.Connecting),
            (ClientState.Connecting, ClientState.Connected),
            (ClientState.Connecting, ClientState.Waiting),
            (ClientState.Connecting, ClientState.Disconnected),
            (ClientState.Connected, ClientState.Waiting),
            (ClientState.Connected, ClientState.Disconnected),
            (ClientState.Waiting, ClientState.Connecting),
            (ClientState.Waiting, ClientState.Disconnected),
        ]);
    }

    private IEnumerable<long> Counts() => _metrics.MeasureStates().Select(measurement => measurement.Value);
}
