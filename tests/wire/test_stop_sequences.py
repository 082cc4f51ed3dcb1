"""
Stop sequences that the proxy keeps for targets that have none.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted, Started
from excise.wire.neutral import Answer, Candidate, Finish, Part, Reasoning, Text, ToolCall
from excise.wire.sequence import Assembler, replay
from excise.wire.stop_sequences import StopCut, cut_answer

CALL = ToolCall(id="call_1", name="f", arguments={"a": "END"})


def answer(*parts: Part, finish: Finish = Finish.STOP) -> Answer:
    return Answer("openai-responses", (Candidate(parts, finish, "completed"),))


def end(stop: str, *parts: Part) -> tuple[Candidate, ...]:
    return (Candidate(parts, Finish.STOP_SEQUENCE, stop_sequence=stop),)


def assembled(events: list[Event]) -> Answer:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler.answer("openai-responses")


def test_the_text_ends_before_the_stop_sequence() -> None:
    """
    And the answer ends there, whatever comes after.
    """
    whole = answer(Text(text="one END two"), CALL, finish=Finish.TOOL)

    assert cut_answer(whole, ("END",)).candidates == end("END", Text(text="one "))
    assert assembled(StopCut(("END",)).feed(replay(whole))).candidates == end("END", Text(text="one "))


def test_an_answer_without_one_stays() -> None:
    """
    Nothing of it is changed, thoughts and calls that hold the words included.
    """
    whole = answer(Reasoning(text="END"), Text(text="EN D"), CALL, finish=Finish.TOOL)

    assert cut_answer(whole, ("END",)) == whole
    assert StopCut(("END",)).feed(replay(whole)) == replay(whole)


def test_the_first_that_is_complete_counts() -> None:
    """
    As a model stops that writes letter by letter; of two that end at once, the longer.
    """
    whole = answer(Text(text="a b c"))

    assert cut_answer(whole, ("c", "b")).candidates[0].stop_sequence == "b"
    assert cut_answer(whole, ("a b c", "b")).candidates[0].stop_sequence == "b"
    assert cut_answer(whole, ("b", "a b")).candidates[0].stop_sequence == "a b"
    assert cut_answer(whole, ("", "x")) == whole


def test_a_stop_sequence_at_the_very_beginning_leaves_no_text() -> None:
    """
    An empty part is none.
    """
    assert cut_answer(answer(Text(text="END")), ("END",)).candidates == end("END")


def test_what_may_begin_one_waits_and_nothing_else() -> None:
    """
    Words go out as they come; the part's end lets go what was held for nothing.
    """
    cut = StopCut(("END",))

    assert cut.feed([Started(), PartStarted(Text(text="")), Delta("go E")])[2:] == [Delta("go ")]
    assert cut.feed([Delta("N")]) == []
    assert cut.feed([Delta("T")]) == [Delta("ENT")]
    assert cut.feed([Delta("E"), PartEnded()]) == [Delta("E"), PartEnded()]


def test_a_failure_after_the_end_is_nobodys() -> None:
    """
    The client has its answer; before that, it must know.
    """
    cut = StopCut(("END",))
    cut.feed([PartStarted(Text(text="")), Delta("END")])

    assert cut.feed([Delta("more"), PartEnded(), Finished(Finish.STOP), Failed(None)]) == [Ended()]
    assert StopCut(("END",)).feed([Failed(None)]) == [Failed(None)]


def test_each_candidate_has_its_own_end() -> None:
    """
    One may go on where another has stopped.
    """
    cut = StopCut(("END",))
    cut.feed([PartStarted(Text(text="")), PartStarted(Text(text=""), 1)])

    assert cut.feed([Delta("aEND"), Delta("b", 1)])[0] == Delta("a")
    assert cut.feed([Delta("c"), Delta("d", 1), Failed(None)]) == [Delta("d", 1), Failed(None)]


@given(
    text=st.text("ab", max_size=30), stops=st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=3), size=st.integers(1, 5)
)
def test_a_stream_is_cut_where_the_answer_is(text: str, stops: list[str], size: int) -> None:
    """
    However it comes in pieces.
    """
    cut = StopCut(stops)
    pieces: list[Event] = [Delta(text[at : at + size]) for at in range(0, len(text), size)]
    events = [
        out for event in (PartStarted(Text(text="")), *pieces, PartEnded(), Finished(Finish.STOP), Ended()) for out in cut.feed([event])
    ]
    streamed, whole = assembled(events).candidates[0], cut_answer(answer(Text(text=text)), stops).candidates[0]

    said = "".join(part.text for part in streamed.parts if isinstance(part, Text))
    assert said == "".join(part.text for part in whole.parts if isinstance(part, Text))
    assert (streamed.finish, streamed.stop_sequence) == (whole.finish, whole.stop_sequence)
