using System.Net;
using SocketKit.Transports.Tls;

namespace SocketKit.Tests.Transports.Tls;

public class HandshakeGateTests
{
    private readonly List<(bool Crowded, long Count)> _told = [];

    [Fact]
    public void So_many_run_and_the_others_wait_in_order()
    {
        var gate = Gate(2);
        var passes = Enumerable.Range(0, 5).Select(_ => gate.Enter(null)).ToArray();
        passes.Select(pass => pass.IsWaiting).Should().Equal(false, false, true, true, true);

        gate.Leave(passes[1]);

        passes.Select(pass => pass.IsWaiting).Should().Equal(false, false, false, true, true);
        gate.Leave(passes[0]);
        gate.Leave(passes[2]);
        passes.Should().OnlyContain(pass => !pass.IsWaiting);
    }

    [Fact]
    public void One_address_has_a_quarter_and_waits_although_there_is_room_for_others()
    {
        var gate = Gate(8);
        var passes = Enumerable.Range(0, 5).Select(_ => gate.Enter(From("192.0.2.1"))).ToArray();
        passes.Select(pass => pass.IsWaiting).Should().Equal(false, false, true, true, true);

        gate.Enter(From("192.0.2.2")).IsWaiting.Should().BeFalse();
        gate.Leave(passes[0]);

        passes.Select(pass => pass.IsWaiting).Should().Equal(false, false, false, true, true);
    }

    [Fact]
    public void Those_who_wait_take_turns_by_address()
    {
        var gate = Gate(4);
        var running = new[] { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4" }.Select(address => gate.Enter(From(address))).ToArray();
        var flood = Enumerable.Range(0, 100).Select(_ => gate.Enter(From("198.51.100.1"))).ToArray();
        var other = gate.Enter(From("203.0.113.1"));

        gate.Leave(running[0]);
        gate.Leave(running[1]);

        flood.Count(pass => !pass.IsWaiting).Should().Be(1);
        other.IsWaiting.Should().BeFalse();
    }

    [Fact]
    public void Addresses_of_one_IPv6_network_are_one_source_and_mapped_ones_are_IPv4()
    {
        var gate = Gate(4);
        gate.Enter(From("2001:db8::1")).IsWaiting.Should().BeFalse();
        gate.Enter(From("2001:db8::ffff:2")).IsWaiting.Should().BeTrue();
        gate.Enter(From("2001:db8:0:1::1")).IsWaiting.Should().BeFalse();
        gate.Enter(From("192.0.2.1")).IsWaiting.Should().BeFalse();
        gate.Enter(From("::ffff:192.0.2.1")).IsWaiting.Should().BeTrue();
    }

    [Fact]
    public void Who_gives_up_waiting_takes_no_place()
    {
        var gate = Gate(1);
        var running = gate.Enter(null);
        var impatient = gate.Enter(null);
        var patient = gate.Enter(null);

        impatient.Cancel().Should().BeTrue();
        gate.Leave(impatient);
        gate.Leave(running);

        impatient.Turn.IsCanceled.Should().BeTrue();
        patient.IsWaiting.Should().BeFalse();
        patient.Cancel().Should().BeFalse("it has its place");
        gate.Leave(patient);
        gate.Enter(null).IsWaiting.Should().BeFalse();
    }

    [Fact]
    public void A_crowd_is_told_once_and_its_end_with_how_many_had_to_wait()
    {
        var gate = Gate(1);
        var passes = Enumerable.Range(0, 4).Select(_ => gate.Enter(null)).ToArray();
        _told.Should().Equal((true, 1L));

        foreach (var pass in passes)
        {
            gate.Leave(pass);
        }

        _told.Should().Equal((true, 1L), (false, 3L));
        gate.Enter(null);
        _told.Should().HaveCount(2);
    }

    [Fact]
    public void Any_order_of_coming_giving_up_and_leaving_keeps_the_limits_and_forgets_nobody()
    {
        var random = new Random(1);
        var gate = Gate(8);
        var sources = new EndPoint?[] { null, From("192.0.2.1"), From("192.0.2.2"), From("192.0.2.3") };
        var inside = new List<(EndPoint? From, HandshakeGate.Pass Pass)>();
        for (var step = 0; step < 20_000; step++)
        {
            if (inside.Count < 40 && random.Next(2) == 0)
            {
                var from = sources[random.Next(sources.Length)];
                inside.Add((from, gate.Enter(from)));
            }
            else if (inside.Count > 0)
            {
                var one = inside[random.Next(inside.Count)];
                if (random.Next(4) == 0)
                {
                    one.Pass.Cancel();
                }

                if (!one.Pass.IsWaiting)
                {
                    inside.Remove(one);
                    gate.Leave(one.Pass);
                }
            }

            var running = inside.Where(one => one.Pass.Turn.IsCompletedSuccessfully).ToArray();
            running.Length.Should().BeLessThanOrEqualTo(8);
            running.Where(one => one.From is not null).GroupBy(one => one.From).All(group => group.Count() <= 2).Should().BeTrue("that is an address's share");
            if (running.Length < 8)
            {
                inside.Where(one => one.Pass.IsWaiting).All(one => one.From is not null && running.Count(other => other.From == one.From) == 2).Should().BeTrue("there is room for all others");
            }
        }

        for (var rounds = 0; inside.Count > 0; rounds++)
        {
            rounds.Should().BeLessThan(100);
            foreach (var one in inside.Where(one => !one.Pass.IsWaiting).ToArray())
            {
                inside.Remove(one);
                gate.Leave(one.Pass);
            }
        }
    }

    [Fact]
    public void Who_is_turned_away_because_a_listener_throws_holds_no_place()
    {
        var gate = new HandshakeGate(1, (crowded, _) => throw new InvalidOperationException("the log is full"));
        var first = gate.Enter(null);

        FluentActions.Invoking(() => gate.Enter(null)).Should().Throw<InvalidOperationException>();
        FluentActions.Invoking(() => gate.Leave(first)).Should().Throw<InvalidOperationException>();

        gate.Enter(null).IsWaiting.Should().BeFalse();
    }

    private static IPEndPoint From(string address) => new(IPAddress.Parse(address), 1);

    private HandshakeGate Gate(int limit) => new(limit, (crowded, count) => _told.Add((crowded, count)));
}
