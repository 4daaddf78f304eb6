using System.Runtime.CompilerServices;
using SocketKit.Clock;
using SocketKit.Connections;

namespace SocketKit.Tests.Clock;

public class ClockPlacesTests
{
    private readonly ClockPlaces _places = new();
    private readonly ITicked?[] _some = new ITicked?[ClockPlaces.BlockLength];

    [Fact]
    public void Whoever_has_a_place_is_taken_once_a_round()
    {
        var connections = Add((2 * ClockPlaces.BlockLength) + 1);

        Round(alive: 0).Should().Equal(connections);
    }

    [Fact]
    public void Who_rests_is_passed_over_until_it_is_time_or_it_wakes()
    {
        var connections = Add(3);
        connections[0].ClockPlace.Rest(100);
        connections[1].ClockPlace.Rest(long.MaxValue);

        Round(99).Should().Equal(connections[2]);
        Round(100).Should().Equal(connections[0], connections[2]);
        connections[1].ClockPlace.Wake();
        Round(99).Should().Equal(connections[1], connections[2]);
    }

    [Fact]
    public void All_are_taken_on_demand_at_rest_or_not()
    {
        var connections = Add(3);
        connections[0].ClockPlace.Rest(100);
        connections[1].ClockPlace.Rest(long.MaxValue);

        Round(long.MaxValue).Should().Equal(connections);
    }

    [Fact]
    public void A_place_that_one_leaves_goes_to_the_next_who_does_not_rest_there()
    {
        var connections = Add(ClockPlaces.BlockLength);
        var leaving = connections[7];
        leaving.ClockPlace.Rest(long.MaxValue);
        _places.Remove(leaving).Should().BeTrue();
        Round(long.MaxValue).Should().Equal(connections.Except([leaving]));

        var next = Add(1).Single();

        Round(0).Should().HaveCount(ClockPlaces.BlockLength).And.Contain(next).And.NotContain(leaving);
        _places.Take(1, 0, _some).Should().Be(-1, "the free place was taken before a new block was made");
    }

    [Fact]
    public void Who_has_left_or_never_came_has_no_place_to_leave()
    {
        var connections = Add(2);
        _places.Remove(connections[0]).Should().BeTrue();
        var next = Add(1).Single();

        _places.Remove(connections[0]).Should().BeFalse();
        _places.Remove(Stranger()).Should().BeFalse();
        Round(0).Should().Equal(next, connections[1]);
    }

    [Fact]
    public void What_a_crowd_needed_is_given_back_when_all_have_left()
    {
        var connections = Add(3 * ClockPlaces.BlockLength);
        foreach (var connection in connections)
        {
            _places.IsEmpty.Should().BeFalse();
            _places.Remove(connection);
        }

        _places.IsEmpty.Should().BeTrue();
        _places.Take(0, 0, _some).Should().Be(-1);
        var next = Add(1).Single();
        Round(0).Should().Equal(next);
    }

    private Connection[] Add(int count)
    {
        var connections = Enumerable.Range(0, count).Select(_ => Stranger()).ToArray();
        foreach (var connection in connections)
        {
            _places.Add(connection);
        }

        return connections;
    }

    private List<Connection> Round(long alive)
    {
        var taken = new List<Connection>();
        for (var block = 0; _places.Take(block, alive, _some) is var count and >= 0; block++)
        {
            taken.AddRange(_some.Take(count).Cast<Connection>());
        }

        return taken;
    }

    // Without a wire: its place is all that matters.
    private static Connection Stranger() => (Connection)RuntimeHelpers.GetUninitializedObject(typeof(Connection));
}
