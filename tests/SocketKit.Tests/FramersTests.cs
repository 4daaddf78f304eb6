using System.Reflection;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests;

/// <summary>The factories of framers.</summary>
public class FramersTests
{
    [Fact]
    public void A_factory_a_class_and_a_kind_in_configuration_have_one_name()
    {
        var factories = typeof(Framers).GetMethods(BindingFlags.Public | BindingFlags.Static);
        factories.Should().OnlyContain(factory => factory.ReturnType.Name == factory.Name + "Framer");

        var shipped = typeof(Framers).Assembly.GetExportedTypes().Where(type => type.IsAssignableTo(typeof(IFramer)) && type.IsClass);
        shipped.Select(type => type.Name).Should().BeEquivalentTo(factories.Select(factory => factory.Name + "Framer").Distinct());

        foreach (var page in new[] { "docs/framing.md", "docs/zh-CN/framing.md" })
        {
            var rows = File.ReadAllLines(Repository.PathOf(page)).Where(line => line.Contains("Framer` | `", StringComparison.Ordinal));
            var names = factories.Select(factory => factory.Name).Distinct();
            rows.Select(row => string.Join(' ', row.Split('|')[1..4].Select(cell => cell.Trim()))).Should()
                .BeEquivalentTo(names.Select(name => $"`Framers.{name}` `{name}Framer` `{name}`"));
        }
    }

    [Fact]
    public void A_raw_framer_may_have_a_longest_message()
    {
        Framers.Raw(512).ToString().Should().Be("RawFramer, at most 512 bytes");
    }
}
