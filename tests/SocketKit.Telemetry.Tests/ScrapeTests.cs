namespace SocketKit.Telemetry.Tests;

/// <summary>What Prometheus gets from an application.</summary>
[Collection(ScrapedTests.Name)]
public class ScrapeTests(ScrapedApplication application)
{
    private readonly Scrape _used = application.Used;

    [Fact]
    public void Connections_are_there_with_the_name_of_their_server()
    {
        _used.Sum("socketkit_server_active_connections", ("socketkit_name", ScrapedApplication.Gateway), ("socketkit_role", "server")).Should().Be(1);
        _used.Sum("socketkit_server_rejected_connections_total", ("socketkit_name", ScrapedApplication.Gateway)).Should().Be(1);
        _used.Sum("socketkit_connection_duration_seconds_count", ("error_type", "FrameTooLarge")).Should().Be(1);
        _used.Sum("socketkit_connection_duration_seconds_count", ("error_type", "TooManyConnections")).Should().Be(1);
        _used.Sum("socketkit_protocol_errors_total", ("error_type", "FrameTooLarge")).Should().Be(1);
    }

    [Fact]
    public void Bytes_and_messages_are_exact_on_both_ends()
    {
        // hello\n, ten times; the server has received what broke the protocol as well.
        Of("socketkit_network_io_bytes_total", ScrapedApplication.Device, "transmit").Should().Be(60);
        Of("socketkit_network_io_bytes_total", ScrapedApplication.Device, "receive").Should().Be(60);
        Of("socketkit_network_io_bytes_total", ScrapedApplication.Gateway, "transmit").Should().Be(60);
        Of("socketkit_network_io_bytes_total", ScrapedApplication.Gateway, "receive").Should().BeGreaterThan(60);
        Of("socketkit_network_messages_total", ScrapedApplication.Device, "transmit").Should().Be(10);
        Of("socketkit_network_messages_total", ScrapedApplication.Device, "receive").Should().Be(10);
        Of("socketkit_network_messages_total", ScrapedApplication.Gateway, "receive").Should().Be(10);
        Of("socketkit_network_messages_total", ScrapedApplication.Gateway, "transmit").Should().Be(10);

        double Of(string name, string owner, string direction) => _used.Sum(name, ("socketkit_name", owner), ("network_io_direction", direction));
    }

    [Fact]
    public void Handlers_clients_and_certificates_are_there()
    {
        _used.Sum("socketkit_handler_duration_seconds_count", ("socketkit_name", ScrapedApplication.Gateway)).Should().Be(10, "one at a time, each is the first of its batch");
        _used.Sum("socketkit_client_state", ("socketkit_name", ScrapedApplication.Device), ("socketkit_client_state", "connected")).Should().Be(1);
        _used.Sum("socketkit_client_state", ("socketkit_name", ScrapedApplication.Device), ("socketkit_client_state", "waiting")).Should().Be(0);
        _used.Sum("socketkit_send_queue_size_bytes", ("socketkit_name", ScrapedApplication.Gateway)).Should().Be(0);
        _used.Sum("socketkit_tls_certificate_expiry_seconds", ("socketkit_tls_certificate_name", "api")).Should().BeApproximately(30 * 86400, 60);
    }

    [Fact]
    public void Nothing_that_a_peer_chose_is_a_label() =>
        application.Complete.Labels.Where(label => !label.StartsWith("otel_scope", StringComparison.Ordinal)).Should().BeSubsetOf(
            ["le", "socketkit_role", "socketkit_name", "error_type", "network_io_direction", "socketkit_client_state", "socketkit_tls_certificate_name", "tls_protocol_version", "socketkit_observer"]);
}
