using SocketKit.Transports.Epoll;

namespace SocketKit.Tests;

public class SocketEnginesTests
{
    [Fact]
    public void Sockets_is_there_on_every_system() => SocketEngines.Choose(SocketEngine.Sockets, "options").Should().Be(SocketEngine.Sockets);

    [Fact]
    public void Auto_is_the_fastest_that_the_system_has() =>
        SocketEngines.Choose(SocketEngine.Auto, "options").Should().Be(EpollEngine.IsSupported ? SocketEngine.Epoll : SocketEngine.Sockets);

    [Fact]
    public void Epoll_is_chosen_or_refused_with_the_option_to_change()
    {
        var choose = () => SocketEngines.Choose(SocketEngine.Epoll, nameof(TcpDialOptions));

        if (EpollEngine.IsSupported)
        {
            choose().Should().Be(SocketEngine.Epoll);
        }
        else
        {
            choose.Should().Throw<PlatformNotSupportedException>().WithMessage("*TcpDialOptions.Engine*SocketEngine.Auto*");
        }
    }

    [Fact]
    public void What_is_no_engine_is_refused() =>
        FluentActions.Invoking(() => SocketEngines.Choose((SocketEngine)7, nameof(TcpListenOptions))).Should().Throw<OptionsException>().WithMessage("*TcpListenOptions.Engine*SocketEngine.Auto*");

    [Fact]
    public void Epoll_is_on_every_Linux_of_a_supported_processor() =>
        EpollEngine.IsSupported.Should().Be(OperatingSystem.IsLinux() && System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture is System.Runtime.InteropServices.Architecture.X64 or System.Runtime.InteropServices.Architecture.Arm64);
}
