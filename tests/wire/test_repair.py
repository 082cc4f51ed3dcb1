"""
Conversations in a target's shape: nothing a provider would refuse, nothing lost on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from excise.wire.loss import Change, Losses
from excise.wire.neutral import (
    Blob,
    Document,
    Image,
    Opaque,
    Part,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from excise.wire.repair import Arranged, Shape, arrange
from excise.wire.tool_ids import SHORT, WORD, fit

STRICT = Shape(
    system="top",
    merge=True,
    starts_with_user=True,
    ids=WORD,
    results_first=True,
    empty_text=False,
    tools_need_declaration=True,
    result_media="inline",
)
PICTURE = Image(source=Blob("image/png", "aGk="))


def user(*parts: Part | str, name: str | None = None) -> Turn:
    return Turn("user", tuple(Text(text=part) if isinstance(part, str) else part for part in parts), name)


def assistant(*parts: Part | str) -> Turn:
    return Turn("assistant", tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def system(*parts: Part | str) -> Turn:
    return Turn("system", tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def call(id_: str, name: str = "look", **arguments: object) -> ToolCall:
    return ToolCall(id=id_, name=name, arguments=arguments)


def result(id_: str, *parts: Part | str, **more: object) -> ToolResult:
    return ToolResult(call_id=id_, parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts), **more)


def arranged(turns: list[Turn], shape: Shape = STRICT, tools: tuple[Tool, ...] = (Tool("look"),)) -> tuple[Arranged, dict[str, Change]]:
    losses = Losses()
    request = Request(dialect="openai-chat", model="m", turns=tuple(turns), tools=tools)
    done = arrange(request, shape, losses, keeps=lambda thought: thought.origin == "home")
    return done, {loss.field: loss.change for loss in losses.all()}


# -- single rules ----------------------------------------------------------------------------------------------------------------------


def test_a_conversation_in_shape_is_left_as_it_is():
    """
    The very same turns, and no loss.
    """
    turns = [user("a"), assistant("b", call("c1")), user(result("c1", "r", name="look")), assistant("d")]

    done, losses = arranged(turns)

    assert list(done.turns) == turns
    assert done.turns[0] is turns[0]
    assert losses == {}


def test_results_sent_one_by_one_come_together_in_the_order_of_their_calls():
    """
    Chat completions send one message a result; what the user says next follows the results.
    """
    done, losses = arranged(
        [user("q"), assistant("hm", call("a"), call("b", "seek")), user(result("b", "2")), user("and?"), user(result("a", "1"))]
    )

    assert [turn.role for turn in done.turns] == ["user", "assistant", "user"]
    assert done.turns[2].parts == (result("a", "1", name="look"), result("b", "2", name="seek"), Text(text="and?"))
    assert losses == {}


def test_without_merging_the_results_have_a_turn_of_their_own():
    """
    What a dialect with a role for tools needs.
    """
    done, _ = arranged([user("q"), assistant(call("a")), user("and?", result("a", "1"))], Shape())

    assert [turn.parts for turn in done.turns[2:]] == [(result("a", "1", name="look"),), (Text(text="and?"),)]


def test_calls_in_items_of_their_own_are_one_turn():
    """
    Responses give each call its own item.
    """
    done, losses = arranged(
        [user("q"), assistant(call("a")), assistant(call("b")), user(result("a", "1")), user(result("b", "2"))], Shape()
    )

    assert done.turns[1].parts == (call("a"), call("b"))
    assert done.turns[2].parts == (result("a", "1", name="look"), result("b", "2", name="look"))
    assert losses == {}


def test_a_call_without_its_result_is_answered_with_an_error():
    """
    Every provider refuses it otherwise; that it was not run is true.
    """
    done, losses = arranged([user("q"), assistant(call("a"), call("b")), user(result("b", "2"))])

    missing = done.turns[2].parts[0]
    assert isinstance(missing, ToolResult)
    assert (missing.call_id, missing.name, missing.is_error) == ("a", "look", True)
    assert losses == {"tools.orphans": Change.CHANGED}


def test_a_result_without_its_call_is_said_in_text():
    """
    Its words are not lost, nor its pictures.
    """
    done, losses = arranged([user(result("gone", "18 C", PICTURE, name="look", is_error=True)), assistant("ok"), user("go on")])

    assert done.turns[0].parts == (Text(text="Error of the tool look:\n18 C"), PICTURE)
    assert losses == {"tools.orphans": Change.CHANGED}


def test_a_second_result_of_a_call_is_said_in_text():
    """
    One call, one result.
    """
    done, losses = arranged([user("q"), assistant(call("a")), user(result("a", "1"), result("a", "2"))])

    assert done.turns[2].parts == (result("a", "1", name="look"), Text(text="Output of the tool look:\n2"))
    assert losses == {"tools.orphans": Change.CHANGED}


def test_a_late_result_is_moved_to_its_call():
    """
    Over the turns between, with a note.
    """
    done, losses = arranged([user("q"), assistant(call("a")), user("wait"), assistant("waiting"), user(result("a", "1"), "there")])

    assert [turn.parts for turn in done.turns[2:]] == [
        (result("a", "1", name="look"), Text(text="wait")),
        (Text(text="waiting"),),
        (Text(text="there"),),
    ]
    assert losses == {"tools.orphans": Change.CHANGED}


def test_an_id_that_comes_again_gets_another():
    """
    Some models count their calls from 0 in every turn; other providers want ids that differ.
    """
    turns = [user("q"), assistant(call("f:0")), user(result("f:0", "1")), assistant(call("f:0")), user(result("f:0", "2"))]

    done, losses = arranged(turns)

    (first,), (one,), (second,), (two,) = (turn.parts for turn in done.turns[1:])
    assert (first.id, first.id, second.id) == (one.call_id, fit("f:0", WORD), two.call_id)
    assert first.id != second.id
    assert (one.parts, two.parts) == ((Text(text="1"),), (Text(text="2"),))
    assert losses == {}


def test_ids_follow_the_targets_rule():
    """
    Call and result alike.
    """
    done, _ = arranged([user("q"), assistant(call("toolu_01ABC")), user(result("toolu_01ABC", "1"))], Shape(ids=SHORT))

    assert done.turns[1].parts[0].id == done.turns[2].parts[0].call_id == fit("toolu_01ABC", SHORT)


def test_orphans_may_stay_where_the_target_takes_them():
    """
    With ids as the target wants them.
    """
    done, losses = arranged([user("q"), assistant(call("x y")), user(result("a b", "1"))], Shape(call_needs_result=False, ids=WORD))

    assert [part for turn in done.turns[1:] for part in turn.parts] == [call(fit("x y", WORD)), result(fit("a b", WORD), "1")]
    assert losses == {}


def test_a_call_by_anybody_but_the_assistant_is_said_in_text():
    """
    No provider knows such a thing.
    """
    done, losses = arranged([user(ToolCall(id="a", name="look", arguments={"x": "\ud800"}))])

    assert done.turns == (user('Called the tool look with {"x":"\\ud800"}'),)
    assert losses == {"tools.orphans": Change.CHANGED}


def test_orphans_that_stay_stand_first_too():
    """
    Where results have to.
    """
    done, _ = arranged([user("a", result("x", "1"), "b", result("y", "2"))], Shape(call_needs_result=False, results_first=True))

    assert done.turns == (user(result("x", "1"), result("y", "2"), "a", "b"),)


def test_without_tools_a_history_of_tools_is_said_in_text():
    """
    Bedrock refuses calls where no tools are declared; thoughts bound to a call go with it.
    """
    thought = Reasoning(signature="s", origin="home", attached=True)
    done, losses = arranged([user("q"), assistant(thought, call("a", city="Rome")), user(result("a", "18 C", value={"c": 18}))], tools=())

    assert done.tools_as_text
    assert done.turns[1].parts == (Text(text='Called the tool look with {"city":"Rome"}'),)
    assert done.turns[2].parts == (Text(text='Output of the tool:\n18 C\n{"c":18}'),)
    assert losses == {"tools.orphans": Change.CHANGED, "reasoning.history": Change.DROPPED}


def test_pictures_of_tools_follow_the_results():
    """
    Where results are text only; what was left without a word says where to look.
    """
    scan = Document(source=Blob("application/pdf", "aGk="))
    turns = [user("q"), assistant(call("a"), call("b")), user(result("a", "see", PICTURE), result("b", scan)), user("so?")]

    done, losses = arranged(turns, Shape(merge=True, results_first=True, result_media="hoist"))

    one, two, *rest = done.turns[2].parts
    assert one == result("a", "see", name="look")
    assert two == result("b", "The output is attached in the next message.", name="look")
    assert [part for part in rest if not isinstance(part, Text)] == [PICTURE, scan]
    assert rest[-1] == Text(text="so?")
    assert losses == {"tool_result.media": Change.CHANGED}


def test_pictures_of_tools_are_impossible_where_the_target_says_so():
    """
    Left out, the answer would be another.
    """
    _, losses = arranged([user("q"), assistant(call("a")), user(result("a", PICTURE))], Shape(result_media="drop"))

    assert losses == {"tool_result.media": Change.IMPOSSIBLE}


@pytest.mark.parametrize("shape", ["first", "top"])
def test_late_system_text_is_moved_to_the_head(shape):
    """
    With a note; early text is not worth one.
    """
    early, none = arranged([system("a"), system("b"), user("q")], Shape(system=shape))
    late, moved = arranged([system("a"), user("q"), system("b"), assistant("r")], Shape(system=shape))

    for done in (early, late):
        head = done.system if shape == "top" else done.turns[0].parts
        assert head == (Text(text="a"), Text(text="b"))
        assert [turn.role for turn in done.turns].count("system") == (shape == "first")
    assert none == {}
    assert moved == {"system.position": Change.CHANGED}


def test_system_text_stays_where_it_may():
    """
    And parts two turns of the user that merging would join.
    """
    turns = [user("q"), system("a"), user("r")]
    done, losses = arranged(turns, Shape(merge=True, starts_with_user=True))

    assert list(done.turns) == turns
    assert losses == {}


def test_pictures_in_system_text_are_given_to_the_user():
    """
    Not lost.
    """
    done, losses = arranged([system("a", PICTURE), user("q")])

    assert done.system == (Text(text="a"),)
    assert done.turns == (user(PICTURE, "q"),)
    assert losses == {"system.parts": Change.CHANGED}


@pytest.mark.parametrize("turns", [[assistant("hello"), user("q")], [system("only")]])
def test_the_user_begins(turns):
    """
    Also where there is system text alone, which some providers answer and some refuse.
    """
    done, losses = arranged(turns)

    assert done.turns[0].role == "user"
    assert losses == {"turns.first": Change.CHANGED}


def test_blank_text_goes_and_an_empty_turn_with_it():
    """
    Its cache mark is its predecessor's then; what surrounds an empty turn comes together.
    """
    done, losses = arranged([user("a", Text(text=" \n", cache="5m")), assistant(""), user("b")])

    assert done.turns == (Turn("user", (Text(text="a", cache="5m"), Text(text="b"))),)
    assert losses == {}


def test_blank_text_in_results_goes_too():
    """
    A result may be empty.
    """
    done, _ = arranged([user("q"), assistant(call("a")), user(result("a", ""))])

    assert done.turns[2].parts == (result("a", name="look"),)


def test_foreign_thoughts_go_and_their_partners_stay():
    """
    Never as text: models imitate it.
    """
    done, losses = arranged(
        [
            user("q"),
            assistant(Reasoning(text="hm", signature="s"), Reasoning(signature="t", attached=True), call("a")),
            user(result("a", "1")),
        ]
    )

    assert done.turns[1].parts == (call("a"),)
    assert losses == {"reasoning.history": Change.DROPPED}


def test_thoughts_that_may_go_back_stay_with_their_partners():
    """
    Through merging, and even before text that says nothing.
    """
    thought = Reasoning(text="hm", signature="s", origin="home")
    bound = Reasoning(signature="t", origin="home", attached=True)
    turns = [user("q"), assistant(thought, call("a")), assistant(bound, call("b")), assistant(bound, ""), user(result("b", "2"))]

    done, _ = arranged(turns)

    assert done.turns[1].parts == (thought, call("a"), bound, call("b"), bound, Text(text=""))


def test_what_only_its_provider_understands_is_impossible_or_dropped():
    """
    By whether it is vital; a thought bound to it goes with it.
    """
    bound = Reasoning(signature="t", origin="home", attached=True)
    _, vital = arranged([user("q"), assistant(bound, Opaque(kind="tools.server"), "x")])
    done, dropped = arranged([user("q"), assistant(bound, Opaque(kind="citations", vital=False), "x")])

    assert vital["tools.server"] is Change.IMPOSSIBLE
    assert dropped["citations"] is Change.DROPPED
    assert done.turns[1].parts == (Text(text="x"),)


def test_names_are_lost_where_turns_of_several_merge():
    """
    With a note; one name stays.
    """
    same, none = arranged([user("a", name="Ada"), user("b", name="Ada")])
    other, lost = arranged([user("a", name="Ada"), user("b", name="Bob")])

    speaker, gone = arranged([Turn("system", (Text(text="a"),), "Ada"), user("q")])

    assert (same.turns[0].name, none) == ("Ada", {})
    assert (speaker.system, gone) == ((Text(text="a"),), {"turns.name": Change.DROPPED})
    assert (other.turns[0].name, lost) == (None, {"turns.name": Change.DROPPED})


# -- whatever comes --------------------------------------------------------------------------------------------------------------------

NUMBERS = st.integers(0, 10**6)
WORDS = st.builds("w{}".format, NUMBERS)
IDS = st.sampled_from(["a", "b", "c", "f.x:0"])
TEXT = st.builds(lambda text: Text(text=text), st.one_of(WORDS, st.sampled_from(["", " "])))
THOUGHT = st.builds(
    lambda text, origin, attached: Reasoning(text=text, signature="s", origin=origin, attached=attached),
    WORDS,
    st.sampled_from(["home", "away", None]),
    st.booleans(),
)
CALL = st.builds(lambda id_, name: ToolCall(id=id_, name=name, arguments={}), IDS, st.sampled_from(["look", "seek"]))
MEDIA = st.just(PICTURE)
RESULT = st.builds(
    lambda id_, parts, error: ToolResult(call_id=id_, parts=tuple(parts), is_error=error),
    IDS,
    st.lists(st.one_of(TEXT, MEDIA), max_size=3),
    st.booleans(),
)
TURNS = st.lists(
    st.one_of(
        st.builds(lambda parts: Turn("user", tuple(parts)), st.lists(st.one_of(TEXT, MEDIA, RESULT), max_size=4)),
        st.builds(lambda parts: Turn("assistant", tuple(parts)), st.lists(st.one_of(TEXT, THOUGHT, CALL), max_size=4)),
        st.builds(lambda parts: Turn("system", tuple(parts)), st.lists(st.one_of(TEXT, MEDIA), max_size=2)),
    ),
    max_size=8,
)
SHAPES = st.builds(
    Shape,
    system=st.sampled_from(["anywhere", "first", "top"]),
    merge=st.booleans(),
    starts_with_user=st.booleans(),
    ids=st.sampled_from([WORD, SHORT]),
    results_first=st.booleans(),
    empty_text=st.booleans(),
    tools_need_declaration=st.booleans(),
    result_media=st.sampled_from(["inline", "hoist", "drop"]),
)
TOOLS = st.sampled_from([(), (Tool("look"),)])


def words(parts: tuple[Part, ...]) -> list[str]:
    """
    What is said in words of ours, `w` and digits, in order.
    """
    said = []
    for part in parts:
        if isinstance(part, Text):
            said += [word for word in part.text.split() if word[0] == "w" and word[1:].isdigit()]
        elif isinstance(part, ToolResult):
            said += words(part.parts)
    return said


@settings(max_examples=400)
@given(TURNS, SHAPES, TOOLS)
def test_nothing_said_is_lost(turns, shape, tools):
    """
    Every word of system, user, assistant and tools is in what is sent, once.
    """
    done, _ = arranged(turns, shape, tools)

    before = Counter(word for turn in turns for word in words(turn.parts))
    after = Counter(words(done.system)) + Counter(word for turn in done.turns for word in words(turn.parts))
    assert after == before


@settings(max_examples=400)
@given(TURNS, SHAPES, TOOLS)
def test_what_is_said_stays_in_order(turns, shape, tools):
    """
    Results move to their calls, system text to the head; the rest keeps its order, and so does system text.
    """
    done, _ = arranged(turns, shape, tools)
    everything = [word for turn in turns for word in words(turn.parts)]
    assume(len(everything) == len(set(everything)))

    def said(of: Iterable[Turn], *roles: str) -> list[str]:
        parts = (part for turn in of if turn.role in roles for part in turn.parts if isinstance(part, Text))
        return [word for part in parts for word in words((part,))]

    conversation = said(turns, "user", "assistant")
    assert [word for word in said(done.turns, "user", "assistant") if word in conversation] == conversation
    assert words(done.system) + said(done.turns, "system") == said(turns, "system")


@settings(max_examples=400)
@given(TURNS, SHAPES, TOOLS)
def test_every_call_has_its_result_right_behind_it(turns, shape, tools):
    """
    And every result its call: one of each, in the same order, under the same id and name, ids used once.
    """
    done, _ = arranged(turns, shape, tools)

    for turn, after in pairwise((Turn("user", ()), *done.turns, Turn("user", ()))):
        calls = [(part.id, part.name) for part in turn.parts if isinstance(part, ToolCall)]
        results = [(part.call_id, part.name) for part in after.parts if isinstance(part, ToolResult)]
        assert calls == results
        assert not calls or after.role == "user"
    ids = [part.id for turn in done.turns for part in turn.parts if isinstance(part, ToolCall)]
    assert len(ids) == len(set(ids))
    assert all(fit(id_, shape.ids) == id_ for id_ in ids)
    assert not (done.tools_as_text and ids)


@settings(max_examples=400)
@given(TURNS, SHAPES, TOOLS)
def test_the_shape_is_kept(turns, shape, tools):
    """
    Roles, blank text, results first, the user at the head, system text in its place.
    """
    done, _ = arranged(turns, shape, tools)

    roles = [turn.role for turn in done.turns]
    if shape.merge:
        assert all(one != next_ for one, next_ in pairwise(roles))
    if shape.system == "top":
        assert "system" not in roles
    if shape.system == "first":
        assert "system" not in roles[1:]
    rest = [turn for turn in done.turns if turn.role != "system"]
    if shape.starts_with_user and done.turns:
        assert rest[0].role == "user"
    for turn in done.turns:
        kinds = [isinstance(part, ToolResult) for part in turn.parts]
        assert not shape.results_first or kinds == sorted(kinds, reverse=True)
        assert turn.parts or (shape.empty_text and not turn.parts)
        if shape.result_media != "inline":
            assert not any(isinstance(part, Image) for inner in turn.parts if isinstance(inner, ToolResult) for part in inner.parts)
    if not shape.empty_text:
        for parts in (done.system, *(turn.parts for turn in done.turns)):
            for before, part in zip((None, *parts), parts, strict=False):
                bound = isinstance(before, Reasoning) and before.attached
                assert not (isinstance(part, Text) and not part.text.strip()) or bound


@settings(max_examples=400)
@given(TURNS, SHAPES, TOOLS)
def test_thoughts_that_stay_stand_before_their_partners(turns, shape, tools):
    """
    Each is one of the request's, in order, none of another provider; a bound one has the partner it had.
    """
    done, _ = arranged(turns, shape, tools)

    kept = [part for turn in done.turns for part in turn.parts if isinstance(part, Reasoning)]
    asked = iter([part for turn in turns for part in turn.parts if isinstance(part, Reasoning) and part.origin == "home"])
    assert all(any(part.text == other.text for other in asked) for part in kept)
    before = Counter(pair for turn in turns for pair in partners(turn))
    assert Counter(pair for turn in done.turns for pair in partners(turn)) <= before


def partners(turn: Turn) -> list[tuple[str, str | None]]:
    """
    The bound thoughts of a turn, each with what it belongs to: the next part that is not bound itself.
    """
    found = []
    for place, part in enumerate(turn.parts):
        if isinstance(part, Reasoning) and part.attached:
            after = (after for after in turn.parts[place + 1 :] if not (isinstance(after, Reasoning) and after.attached))
            partner = next(after, None)
            found.append((part.text, partner.name if isinstance(partner, ToolCall) else getattr(partner, "text", None)))
    return found


@settings(max_examples=200)
@given(TURNS, TOOLS)
def test_arranging_twice_changes_nothing_more(turns, tools):
    """
    What is in shape is in shape.
    """
    once, _ = arranged(turns, STRICT, tools)
    again, losses = arranged(list(once.turns), STRICT, tools)

    assert again.turns == once.turns
    assert losses == {}
