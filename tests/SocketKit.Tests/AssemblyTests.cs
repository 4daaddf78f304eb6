namespace SocketKit.Tests;

public class AssemblyTests
{
    [Fact]
    public void The_assembly_is_strongly_named()
    {
        typeof(IFramer).Assembly.GetName().GetPublicKeyToken().Should().HaveCount(8);
    }

    [Fact]
    public void Its_only_dependency_outside_the_framework_is_the_logging_abstractions()
    {
        var foreign = typeof(IFramer).Assembly.GetReferencedAssemblies()
            .Select(reference => reference.Name)
            .Where(name => !name!.StartsWith("System.", StringComparison.Ordinal));

        foreign.Should().BeSubsetOf(["Microsoft.Extensions.Logging.Abstractions"]);
    }
}
