using System.Text;
using CsCheck;
using SocketKit.Tests.TestDoubles;

namespace SocketKit.Tests.Replies;

public class ReplyRulesTests
{
    [Fact]
    public async Task The_first_rule_that_fits_answers()
    {
        var rules = new ReplyRules()
            .When(text => text.StartsWith('a'), "begins with a")
            .When("abc", "never")
            .When("b", "b it is")
            .When(text => text.Length == 1, "one letter")
            .WhenBytes([0xFF], "a byte")
            .Otherwise("what?")
            .Build();

        (await rules.AskAsync("abc")).Should().Be(Reply.Text("begins with a"));
        (await rules.AskAsync("b")).Should().Be(Reply.Text("b it is"));
        (await rules.AskAsync("c")).Should().Be(Reply.Text("one letter"));
        (await rules.AskAsync("cc")).Should().Be(Reply.Text("what?"));
        (await rules.AskAsync([0xFF])).Should().Be(Reply.Text("one letter"), "a byte that is no text is one U+FFFD");
    }

    [Fact]
    public async Task Without_a_fallback_what_no_rule_answers_is_left_to_the_next_strategy()
    {
        var rules = new ReplyRules().When("1", "one").Build();

        (await rules.AskAsync("2")).Should().Be(Reply.Pass);
    }

    [Fact]
    public async Task Every_kind_of_reply_can_be_given()
    {
        var rules = new ReplyRules()
            .When("text", "reply")
            .When("bytes", new byte[] { 1 })
            .When("echo", Reply.Echo)
            .When("none", Reply.None)
            .When("function", text => text.ToUpperInvariant())
            .When("strategy", ReplyStrategy.From(text => text + "!"))
            .When(text => text.StartsWith("say ", StringComparison.Ordinal), text => text[4..])
            .When(text => text == "predicate", ReplyStrategy.From(_ => "strategy"))
            .WhenBytes("bytes to strategy"u8, ReplyStrategy.FromBytes(message => Reply.Bytes(message[..5])))
            .WhenBytes(bytes => bytes.Length > 100, "long")
            .WhenBytes(bytes => bytes.IndexOf((byte)0) >= 0, ReplyStrategy.FromBytes(_ => "zero"))
            .Build();

        (await rules.AskAsync("text")).Should().Be(Reply.Text("reply"));
        (await rules.AskAsync("bytes")).Should().Be(Reply.Bytes(new byte[] { 1 }));
        (await rules.AskAsync("echo")).Should().Be(Reply.Echo);
        (await rules.AskAsync("none")).Should().Be(Reply.None);
        (await rules.AskAsync("function")).Should().Be(Reply.Text("FUNCTION"));
        (await rules.AskAsync("strategy")).Should().Be(Reply.Text("strategy!"));
        (await rules.AskAsync("say hello")).Should().Be(Reply.Text("hello"));
        (await rules.AskAsync("predicate")).Should().Be(Reply.Text("strategy"));
        (await rules.AskAsync("bytes to strategy")).Should().Be(Reply.Bytes("bytes"u8.ToArray()));
        (await rules.AskAsync(new string('x', 101))).Should().Be(Reply.Text("long"));
        (await rules.AskAsync("a\0b")).Should().Be(Reply.Text("zero"));
    }

    [Fact]
    public async Task An_answer_that_passes_leads_to_the_rules_behind_it()
    {
        var rules = new ReplyRules()
            .When("x", _ => Reply.Pass)
            .When(_ => false, "never")
            .WhenBytes("x"u8, ReplyStrategy.From(_ => Reply.Pass))
            .When(text => text == "x", "found")
            .When("y", _ => Reply.Pass)
            .Otherwise("fallback")
            .Build();

        (await rules.AskAsync("x")).Should().Be(Reply.Text("found"));
        (await rules.AskAsync("y")).Should().Be(Reply.Text("fallback"));
    }

    [Fact]
    public async Task An_answer_that_waits_and_passes_leads_to_the_rules_behind_it()
    {
        var gate = new TaskCompletionSource();
        var slow = ReplyStrategy.From(async (_, _) =>
        {
            await gate.Task;
            return Reply.Pass;
        });
        var rules = new ReplyRules().When("x", slow).WhenBytes("x"u8, slow).When(text => text == "x", "found").When("y", slow).Otherwise("fallback").Build();

        var x = rules.AskAsync("x");
        var y = rules.AskAsync("y");
        x.IsCompleted.Should().BeFalse();
        gate.SetResult();

        (await x).Should().Be(Reply.Text("found"));
        (await y).Should().Be(Reply.Text("fallback"));
    }

    [Fact]
    public async Task The_text_is_decoded_once_for_all_predicates()
    {
        var seen = new List<string>();
        var rules = new ReplyRules()
            .When(text => { seen.Add(text); return false; }, "never")
            .When(text => { seen.Add(text); return true; }, "second")
            .Build();

        await rules.AskAsync("hello");

        seen.Should().HaveCount(2);
        seen[0].Should().BeSameAs(seen[1]);
    }

    [Fact]
    public async Task Texts_are_compared_in_the_encoding_of_the_connection()
    {
        var rules = new ReplyRules().When("你", "好").When("é", "accent").Build();

        (await rules.AskInAsync(Encoding.UTF8, "你")).Should().Be(Reply.Text("好"));
        (await rules.AskInAsync(Encoding.Unicode, "你")).Should().Be(Reply.Text("好"));
        (await rules.AskInAsync(Encoding.UTF32, "你")).Should().Be(Reply.Text("好"));
        (await rules.AskInAsync(Encoding.Latin1, "é")).Should().Be(Reply.Text("accent"));
    }

    [Fact]
    public async Task A_text_that_the_encoding_cannot_express_fits_no_message()
    {
        var rules = new ReplyRules().When("你", "好").Build();
        var strict = Encoding.GetEncoding("us-ascii", EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);

        (await rules.AskInAsync(Encoding.Latin1, "?")).Should().Be(Reply.Pass);
        (await rules.AskInAsync(strict, "?")).Should().Be(Reply.Pass);
    }

    [Fact]
    public async Task Texts_are_compared_ordinally()
    {
        var rules = new ReplyRules().When("\u00E9", "composed").When("", "empty").Build();

        (await rules.AskAsync("e\u0301")).Should().Be(Reply.Pass);
        (await rules.AskAsync("É")).Should().Be(Reply.Pass);
        (await rules.AskAsync("")).Should().Be(Reply.Text("empty"));
        (await rules.AskAsync([0xEF, 0xBF, 0xBD])).Should().Be(Reply.Pass);
    }

    [Fact]
    public void A_thousand_texts_are_told_apart()
    {
        Gen.String.HashSet[1, 1000].Sample(
            texts =>
            {
                var valid = texts.Where(text => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text).ToList();
                var builder = new ReplyRules().Otherwise(Reply.None);
                for (var number = 0; number < valid.Count; number++)
                {
                    builder.When(valid[number], $"reply {number}");
                }

                var rules = builder.Build();
                for (var number = 0; number < valid.Count; number++)
                {
                    rules.Ask(Encoding.UTF8.GetBytes(valid[number])).Should().Be(Reply.Text($"reply {number}"));
                }
            },
            iter: 20);
    }

    [Fact]
    public async Task Fallbacks_are_drawn_by_their_weights()
    {
        var random = new ScriptedRandom(0, 2, 3, 4, 9);
        var rules = new ReplyRules(random).Otherwise("a", weight: 3).Otherwise(text => text + "!").Otherwise(ReplyStrategy.From(_ => "c"), weight: 6).Build();

        var drawn = new List<Reply>();
        for (var count = 0; count < 5; count++)
        {
            drawn.Add(await rules.AskAsync("b"));
        }

        drawn.Should().Equal("a", "a", "b!", "c", "c");
        random.Bounds.Should().AllBeEquivalentTo(10);
    }

    [Fact]
    public void Weights_are_kept_over_many_draws()
    {
        // 400,000 draws at 3 of 4: the standard deviation is 274, and seven of it are exceeded once in 390 billion runs.
        var rules = new ReplyRules().Otherwise("often", weight: 3).Otherwise("seldom").Build();

        var often = Enumerable.Range(0, 400_000).Count(_ => rules.Ask([]) == "often");

        often.Should().BeInRange(300_000 - 1918, 300_000 + 1918);
    }

    [Fact]
    public async Task A_single_fallback_draws_nothing()
    {
        var random = new ScriptedRandom();
        var rules = new ReplyRules(random).Otherwise("only").Build();

        (await rules.AskAsync("x")).Should().Be(Reply.Text("only"));
        random.Bounds.Should().BeEmpty();
    }

    [Fact]
    public async Task What_was_built_does_not_change_with_the_builder_or_the_arrays_given_to_it()
    {
        byte[] key = [1];
        byte[] reply = [2];
        var builder = new ReplyRules().WhenBytes(key, reply);
        var rules = builder.Build();

        builder.When("later", "x").Otherwise("y");
        key[0] = 9;
        reply[0] = 9;

        (await rules.AskAsync("later")).Should().Be(Reply.Pass);
        (await rules.AskAsync([1])).Should().Be(Reply.Bytes(new byte[] { 2 }));
    }

    [Fact]
    public void Bad_rules_are_refused()
    {
        var rules = new ReplyRules().When("1", "one").Otherwise("x");

        rules.Invoking(r => r.When("1", "another")).Should().Throw<ArgumentException>().WithMessage("*a rule for \"1\" already*");
        rules.Invoking(r => r.When("\uD800", "x")).Should().Throw<ArgumentException>().WithMessage("*surrogate*");
        rules.Invoking(r => r.When("2", Reply.Pass)).Should().Throw<ArgumentException>().WithMessage("*does nothing*");
        rules.Invoking(r => r.When(_ => true, Reply.Pass)).Should().Throw<ArgumentException>();
        rules.Invoking(r => r.WhenBytes([1], Reply.Pass)).Should().Throw<ArgumentException>();
        rules.Invoking(r => r.WhenBytes(_ => true, Reply.Pass)).Should().Throw<ArgumentException>();
        rules.Invoking(r => r.When((string)null!, "x")).Should().Throw<ArgumentNullException>();
        rules.Invoking(r => r.When("2", (string)null!)).Should().Throw<ArgumentNullException>();
        rules.Invoking(r => r.When("2", (Func<string, Reply>)null!)).Should().Throw<ArgumentNullException>();
        rules.Invoking(r => r.When("2", (IReplyStrategy)null!)).Should().Throw<ArgumentNullException>();
        rules.Invoking(r => r.When((Func<string, bool>)null!, "x")).Should().Throw<ArgumentNullException>();
        rules.Invoking(r => r.WhenBytes((Func<ReadOnlySpan<byte>, bool>)null!, "x")).Should().Throw<ArgumentNullException>();
        rules.Invoking(r => r.Otherwise((IReplyStrategy)null!)).Should().Throw<ArgumentNullException>();
        rules.Invoking(r => r.Otherwise("y", weight: 0)).Should().Throw<ArgumentOutOfRangeException>();
        rules.Invoking(r => r.Otherwise("y", weight: -1)).Should().Throw<ArgumentOutOfRangeException>();
        rules.Invoking(r => r.Otherwise("y", weight: int.MaxValue)).Should().Throw<ArgumentOutOfRangeException>();
        new ReplyRules().Invoking(r => r.Build()).Should().Throw<InvalidOperationException>().WithMessage("*When or Otherwise*");
    }

    [Fact]
    public async Task The_largest_weights_are_drawn_right()
    {
        var rules = new ReplyRules(new ScriptedRandom(int.MaxValue - 2, int.MaxValue - 1))
            .Otherwise("a", weight: int.MaxValue - 1).Otherwise("b").Build();

        (await rules.AskAsync("x")).Should().Be(Reply.Text("a"));
        (await rules.AskAsync("x")).Should().Be(Reply.Text("b"));
    }

    [Fact]
    public async Task What_a_function_or_predicate_throws_comes_out()
    {
        var rules = new ReplyRules()
            .When("a", _ => throw new InvalidOperationException("by the function"))
            .When(text => text == "b" ? throw new InvalidOperationException("by the predicate") : false, "x")
            .Build();

        (await rules.Awaiting(r => r.AskAsync("a")).Should().ThrowAsync<InvalidOperationException>()).WithMessage("by the function");
        (await rules.Awaiting(r => r.AskAsync("b")).Should().ThrowAsync<InvalidOperationException>()).WithMessage("by the predicate");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("not a rule")]
    [InlineData("bytes")]
    public void Asking_allocates_nothing(string text)
    {
        var rules = new ReplyRules().WhenBytes(bytes => bytes.Length == 0, "empty").When("x", "y").When("bytes", new byte[] { 1 }).Otherwise("a").Otherwise("b").Build();
        var connection = new RecordingConnection { Records = false, TextEncoding = Encoding.Unicode };
        ReadOnlyMemory<byte> message = Encoding.Unicode.GetBytes(text);

        Allocations.Of(() => _ = rules.ReplyAsync(connection, message).Now()).Should().Be(0);
    }
}
