"""
Pieces and wholes of an answer say the same, in an order every client can read.
"""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Ping, Started
from excise.wire.neutral import Answer, Candidate, Finish, Opaque, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import Assembler, Sequencer, arguments_text, read_arguments, replay
from excise.wire.usage import Usage


def assembled(events: list[Event], dialect: str = "d") -> Answer:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler.answer(dialect)


# -- arguments -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "arguments", "kept"),
    [
        ("", {}, None),
        (" \n", {}, None),
        ('{"a": 1.0}', {"a": 1.0}, '{"a": 1.0}'),
        ('"{\\"a\\": 1}"', {"a": 1}, None),
        ('{"a": ', None, '{"a": '),
        ("[1]", None, "[1]"),
        ('"text"', None, '"text"'),
        ('"[1]"', None, '"[1]"'),
        ("null", None, "null"),
        ("\ud800", None, "\ud800"),
    ],
)
def test_arguments_that_came_as_text(text, arguments, kept):
    """
    An object keeps its writing; blank is empty; written twice is read twice; anything else is kept as it is.
    """
    assert read_arguments(text) == (arguments, kept)


def test_arguments_are_written_as_the_source_wrote_them():
    """
    And made where it gave no text; half a surrogate pair stays the escape it came as.
    """
    assert arguments_text(ToolCall(id="c", name="f", arguments={"a": 1}, text='{"a":1.0}')) == '{"a":1.0}'
    assert arguments_text(ToolCall(id="c", name="f", arguments={"a": 1})) == '{"a":1}'
    assert arguments_text(ToolCall(id="c", name="f", arguments=None)) == "{}"
    assert arguments_text(ToolCall(id="c", name="f", arguments={"a": "\ud800"})) == '{"a":"\\ud800"}'


# -- whole from pieces -----------------------------------------------------------------------------------------------------------------


def test_pieces_make_a_whole():
    """
    Text, thought with its proof, a call with its arguments, how it ended, what it cost.
    """
    answer = assembled(
        [
            Started("id", "m", 7),
            Ping(),
            PartStarted(Reasoning()),
            Delta("91 = "),
            Delta("7 * 13"),
            Delta(signature="s"),
            PartEnded(),
            PartStarted(Text(text="")),
            Delta("No"),
            Delta("."),
            PartEnded(),
            PartStarted(ToolCall(id="c", name="f", arguments={})),
            Delta('{"a"'),
            Delta(": 1}"),
            PartEnded(),
            Finished(Finish.TOOL, "tool_use"),
            Ended(Usage(text_output_tokens=5), "standard"),
        ]
    )

    assert answer == Answer(
        dialect="d",
        candidates=(
            Candidate(
                (
                    Reasoning(text="91 = 7 * 13", signature="s"),
                    Text(text="No."),
                    ToolCall(id="c", name="f", arguments={"a": 1}, text='{"a": 1}'),
                ),
                Finish.TOOL,
                "tool_use",
            ),
        ),
        id="id",
        model="m",
        created=7,
        usage=Usage(text_output_tokens=5),
        service_tier="standard",
    )


def test_a_candidate_that_did_not_finish_is_broken():
    """
    Its open part is kept as far as it came; the fault is there to be asked for.
    """
    assembler = Assembler()
    for event in (Started(usage=Usage(uncached_input_tokens=3)), Delta("Par"), Failed("fault")):
        assembler.feed(event)

    answer = assembler.answer("d")

    assert answer.candidates == (Candidate((Text(text="Par"),), Finish.BROKEN),)
    assert answer.usage == Usage(uncached_input_tokens=3)
    assert (assembler.fault, assembler.ended) == ("fault", False)


def test_a_part_put_together_does_not_keep_the_json_it_began_with():
    """
    Which is not that of the whole; a part that came whole keeps its own.
    """
    assembler, whole = Assembler(), Text(text="x", raw={"text": "x"})
    begun = ToolCall(id="c", name="f", arguments={}, raw={"input": {}})
    for event in (PartStarted(begun), Delta('{"a":1}'), PartEnded(), PartStarted(whole), PartEnded(), Finished(Finish.TOOL), Ended()):
        assembler.feed(event)

    assert [part.raw for part in assembler.answer("anthropic-messages").candidates[0].parts] == [None, whole.raw]


def test_candidates_come_in_order_of_their_number():
    """
    Whichever began first.
    """
    answer = assembled([Delta("b", 1), Delta("a", 0), Finished(Finish.STOP, candidate=1), Finished(Finish.LENGTH), Ended()])

    assert [(part.text, candidate.finish) for candidate in answer.candidates for part in candidate.parts] == [
        ("a", Finish.LENGTH),
        ("b", Finish.STOP),
    ]


def test_a_part_that_begins_ends_the_one_before():
    """
    Whether or not its source said so.
    """
    answer = assembled([PartStarted(Text(text="")), Delta("a"), PartStarted(Refusal(text="")), Delta("b"), Finished(Finish.STOP)])

    assert answer.candidates[0].parts == (Text(text="a"), Refusal(text="b"))


WORDS = st.text(max_size=8)
OBJECTS = st.dictionaries(WORDS, st.one_of(st.integers(-(2**53), 2**53), WORDS, st.none(), st.lists(st.booleans(), max_size=2)), max_size=3)
PARTS = st.one_of(
    st.builds(lambda text: Text(text=text), WORDS),
    st.builds(lambda text: Text(text=text, citations=({"url": "u"},)), WORDS),
    st.builds(lambda text: Refusal(text=text), WORDS),
    st.builds(lambda text, signature: Reasoning(text=text, signature=signature), WORDS, st.one_of(st.none(), WORDS)),
    st.builds(lambda signature: Reasoning(signature=signature, redacted=True), WORDS),
    st.builds(lambda signature: Reasoning(signature=signature, attached=True), WORDS),
    st.builds(lambda given: ToolCall(id="c", name="f", arguments=given, text=orjson.dumps(given).decode()), OBJECTS),
    st.builds(lambda text: ToolCall(id="c", name="f", arguments=None, text="[" + text), WORDS),
    st.just(Opaque(kind="media", raw={"a": 1})),
)
ANSWERS = st.builds(
    Answer,
    dialect=st.just("d"),
    candidates=st.lists(
        st.builds(
            Candidate,
            parts=st.lists(PARTS, max_size=5).map(tuple),
            finish=st.sampled_from(Finish),
            native_finish=st.one_of(st.none(), WORDS),
            stop_sequence=st.one_of(st.none(), WORDS),
        ),
        max_size=3,
    ).map(tuple),
    id=st.one_of(st.none(), WORDS),
    model=st.one_of(st.none(), WORDS),
    created=st.one_of(st.none(), st.integers(0, 2**31)),
    usage=st.builds(Usage, uncached_input_tokens=st.one_of(st.none(), st.integers(0, 99))),
    service_tier=st.one_of(st.none(), WORDS),
)


@given(ANSWERS)
def test_an_answer_taken_apart_and_put_together_is_the_same(answer):
    """
    Whatever is in it.
    """
    assert assembled(replay(answer)) == answer


@given(ANSWERS)
def test_an_answer_taken_apart_is_a_stream_as_it_should_be(answer):
    """
    One beginning, one end, parts one after the other.
    """
    events = replay(answer)

    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Ended)
    assert sum(isinstance(event, Started | Ended) for event in events) == 2
    assert well_ordered(events)


def test_arguments_without_text_are_written_out():
    """
    So that a stream has them, and whoever reads it gets the same object.
    """
    answer = Answer(dialect="d", candidates=(Candidate((ToolCall(id="c", name="f", arguments={"a": [1]}),), Finish.TOOL),))

    (call,) = assembled(replay(answer)).candidates[0].parts

    assert call == ToolCall(id="c", name="f", arguments={"a": [1]}, text='{"a":[1]}')


def well_ordered(events: list[Event]) -> bool:
    """
    Of each candidate, a part is open from its start to its end, deltas come in between, and no two are open.
    """
    open_: set[int] = set()
    for event in events:
        if isinstance(event, PartStarted):
            if event.candidate in open_:
                return False
            open_.add(event.candidate)
        elif isinstance(event, Delta | PartEnded):
            if event.candidate not in open_:
                return False
            if isinstance(event, PartEnded):
                open_.remove(event.candidate)
    return not open_


# -- order from interleaving -----------------------------------------------------------------------------------------------------------


def call(id_: str) -> ToolCall:
    return ToolCall(id=id_, name="f", arguments={})


def test_the_first_part_goes_out_as_it_comes_and_the_others_wait():
    """
    Until it is over.
    """
    sequencer = Sequencer()

    assert sequencer.start(0, call("a")) == [PartStarted(call("a"))]
    assert sequencer.delta(0, '{"x"') == [Delta('{"x"')]
    assert sequencer.start(1, call("b")) == []
    assert sequencer.delta(1, "{") == []
    assert sequencer.delta(0, ":1}") == [Delta(":1}")]
    assert sequencer.end(0) == [PartEnded(), PartStarted(call("b")), Delta("{")]
    assert sequencer.delta(1, "}") == [Delta("}")]
    assert sequencer.end_all() == [PartEnded()]


def test_a_call_whose_arguments_are_whole_is_over_when_the_next_part_begins():
    """
    So calls that follow each other stream, though their source never says where one ends.
    """
    sequencer = Sequencer()
    sequencer.start(0, call("a"))
    sequencer.delta(0, '{"x":1}')

    assert sequencer.start(1, call("b")) == [PartEnded(), PartStarted(call("b"))]
    assert sequencer.delta(0, "\n") == []
    assert 0 not in sequencer
    assert 1 in sequencer


def test_a_call_without_arguments_yet_is_not_over():
    """
    They may come.
    """
    sequencer = Sequencer()
    sequencer.start(0, call("a"))

    assert sequencer.start(1, call("b")) == []
    assert sequencer.delta(0, "{}") == [Delta("{}")]


def test_candidates_do_not_wait_for_each_other():
    """
    Each has its own order.
    """
    sequencer = Sequencer()
    sequencer.start("a", Text(text=""), 0)

    assert sequencer.start("b", Text(text=""), 1) == [PartStarted(Text(text=""), 1)]
    assert sequencer.delta("b", "x") == [Delta("x", 1)]
    assert sequencer.end_all(1) == [PartEnded(1)]
    assert sequencer.delta("a", "y") == [Delta("y", 0)]


def test_what_is_not_open_says_nothing():
    """
    Deltas and ends of unknown parts, a second beginning, empty deltas.
    """
    sequencer = Sequencer()

    assert sequencer.delta("a", "x") == sequencer.end("a") == sequencer.end_all() == []
    sequencer.start("a", Text(text=""))
    assert sequencer.start("a", Text(text="")) == sequencer.delta("a", "") == []
    assert sequencer.delta("a", signature="s") == [Delta("", 0, "s")]
    sequencer.end("a")
    assert sequencer.start("a", Text(text="")) == [PartStarted(Text(text=""))]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("start"), st.integers(0, 3)),
        st.tuples(st.just("delta"), st.integers(0, 3), st.text("abc{}", min_size=1, max_size=3)),
        st.tuples(st.just("end"), st.integers(0, 3)),
    ),
    max_size=30,
)


@settings(max_examples=400)
@given(STEPS)
def test_whatever_the_order_nothing_interleaves_and_nothing_is_lost(steps):
    """
    Each part's pieces come in their order, within its part, parts in the order of their beginnings.
    """
    sequencer = Sequencer()
    out: list[Event] = []
    said: list[list[str]] = []
    open_: dict[int, list[str]] = {}
    for step, key, *text in steps:
        if step == "start":
            if key not in open_:
                open_[key] = []
                said.append(open_[key])
            out += sequencer.start(key, Text(text=""), key % 2)
        elif step == "delta":
            if key in open_:
                open_[key].append(text[0])
            out += sequencer.delta(key, *text)
        else:
            open_.pop(key, None)
            out += sequencer.end(key)
    out += sequencer.end_all()

    assert well_ordered(out)
    parts = [part.text for candidate in assembled([*out, Ended()]).candidates for part in candidate.parts]
    assert sorted(parts) == sorted("".join(pieces) for pieces in said)
