"""
The second opinion on tasks: nearest of labelled examples, with a bound the examples set themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from bench.profile_cases import turn
from excise.routing.profile import Profile, Task
from excise.routing.profiling import profile_of
from excise.routing.profiling.classifier import MAX_BYTES, UNSURE, Classifier
from excise.wire.neutral import Request, Text, Tool, ToolCall, ToolResult, Turn

WORDS: Mapping[str, Sequence[float]] = {
    "gloss": (1.0, 0.0, 0.0, 0.0),
    "glossing": (0.9, 0.1, 0.0, 0.1),
    "nub": (0.0, 1.0, 0.0, 0.0),
    "nubbin": (0.1, 0.9, 0.0, 0.1),
    "heron": (0.0, 0.0, 1.0, 0.0),
    "marsh": (0.0, 0.1, 0.9, 0.0),
    "the": (0.1, 0.1, 0.1, 0.1),
    "sideways": (0.0, 0.0, 0.1, 1.0),
}
EXAMPLES = {
    Task.TRANSLATION: ["gloss the", "glossing", "gloss"],
    Task.SUMMARISATION: ["nub", "nubbin the", "the nubbin"],
    Task.UNKNOWN: ["the heron", "marsh", "heron marsh"],
}


class Words:
    """
    The sum of the vectors of known words. Remembers what it was asked.
    """

    def __init__(self, words: Mapping[str, Sequence[float]] = WORDS) -> None:
        self.words, self.asked = words, [""]

    def embed(self, text: str) -> Sequence[float]:
        self.asked.append(text)
        known = [self.words[word] for word in text.split() if word in self.words]
        return [sum(axis) for axis in zip(*known, strict=True)] or [0.0] * 4


def profiled(text: str, classifier: Classifier | None) -> Profile:
    return profile_of(Request("openai-chat", "a", (turn("user", text),)), classifier=classifier)


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def classifier(words: Words) -> Classifier:
    return Classifier(words, EXAMPLES)


def test_a_text_is_what_it_lies_nearest_to(classifier: Classifier) -> None:
    """
    Also in other words than those of the examples, and about as surely as the examples were told: never quite.
    """
    assert classifier.task_of("glossing the gloss") == (Task.TRANSLATION, 0.875)
    assert classifier.task_of("nub nub") == (Task.SUMMARISATION, 0.875)


@pytest.mark.parametrize("text", ["", "wholly foreign", "gloss nub", "heron", "the marsh", "sideways"])
def test_what_is_near_to_nothing_is_left_open(classifier: Classifier, text: str) -> None:
    """
    No known word, two tasks alike, the examples that ask for nothing, or far from all of them.
    """
    assert classifier.task_of(text) is None


def test_the_bound_is_set_by_the_examples() -> None:
    """
    Where examples between two tasks are told wrong, texts as much between them are left open; where they are told right, they are not.
    """
    translate, summarise = EXAMPLES[Task.TRANSLATION] * 3, EXAMPLES[Task.SUMMARISATION] * 3
    right = {Task.TRANSLATION: [*translate, "gloss gloss nub"], Task.SUMMARISATION: [*summarise, "nub nub gloss"]}
    wrong = {Task.TRANSLATION: [*translate, *["nub nub gloss"] * 3], Task.SUMMARISATION: [*summarise, *["gloss gloss nub"] * 3]}
    loose, strict = Classifier(Words(), right), Classifier(Words(), wrong)

    assert loose.task_of("nub nub gloss") == (Task.SUMMARISATION, 21 / 22)
    assert strict.task_of("nub nub gloss") is None
    assert strict.task_of("nub") == (Task.SUMMARISATION, 19 / 20)


@pytest.mark.parametrize(
    "vectors",
    [
        dict.fromkeys(WORDS, (1.0, 0.0, 0.0, 0.0)),
        dict.fromkeys(WORDS, (0.0, 0.0, 0.0, 0.0)),
        dict.fromkeys(WORDS, (float("nan"), 1.0, 0.0, 0.0)),
        dict.fromkeys(WORDS, (float("inf"), 1.0, 0.0, 0.0)),
    ],
)
def test_a_model_that_tells_nothing_apart_is_refused(vectors: Mapping[str, Sequence[float]]) -> None:
    """
    It would only ever be wrong, or silent: equal vectors, none at all, broken ones.
    """
    with pytest.raises(ValueError, match="does not tell"):
        Classifier(Words(vectors), EXAMPLES)


def test_examples_of_one_task_tell_nothing() -> None:
    """
    There is no second to be nearer than.
    """
    with pytest.raises(ValueError, match="does not tell"):
        Classifier(Words(), {Task.CODE: ["gloss", "nub"]})


def test_where_the_rules_are_unsure_it_is_asked(words: Words, classifier: Classifier) -> None:
    """
    And says so among the signals; without it, or with nothing near, the profile is that of the rules.
    """
    told = profiled("gloss hxr qqp", classifier)

    assert (told.task, told.confidence, told.signals) == (Task.TRANSLATION, 0.875, ("embedding",))
    assert profiled("gloss hxr qqp", None).task is Task.UNKNOWN
    assert profiled("heron hxr qqp", classifier) == profiled("heron hxr qqp", None)
    assert profiled("", classifier) == profiled("", None)


def test_a_weak_verdict_gives_way_and_a_clear_one_is_not_even_doubted(words: Words, classifier: Classifier) -> None:
    """
    Below the bound the classifier wins; above, it never sees the words.
    """
    weak, clear = "How do I undo a git push? gloss gloss", "Translate to German: nub nub nub"
    rules = profiled(weak, None)

    assert 0.0 < rules.confidence < UNSURE
    assert rules.task is not Task.TRANSLATION
    assert profiled(weak, classifier).task is Task.TRANSLATION
    words.asked.clear()
    assert profiled(clear, classifier) == profiled(clear, None)
    assert words.asked == []


def test_what_tools_say_is_not_doubted(words: Words, classifier: Classifier) -> None:
    """
    Whether a model is to act is a matter of the request, not of its words.
    """
    acts = Request(
        "openai-chat",
        "a",
        (
            turn("user", "gloss"),
            Turn("assistant", (ToolCall(id="t1", name="Read", arguments={}),)),
            Turn("user", (ToolResult(call_id="t1", parts=(Text(text="gloss"),)),)),
        ),
        tools=(Tool(name="Read", schema={"type": "object"}),),
    )

    assert profile_of(acts, classifier=classifier).task is Task.AGENTIC


@pytest.mark.parametrize("letter", ["a", "é", "語", "🦦"])
def test_of_a_long_text_only_the_ends_are_looked_at(words: Words, classifier: Classifier, letter: str) -> None:
    """
    At most `MAX_BYTES` in UTF-8, cut between characters; the instruction is found before and behind.
    """
    filler = f"{letter * 9} " * 2000

    assert classifier.task_of(f"gloss {filler}") == (Task.TRANSLATION, 0.875)
    assert classifier.task_of(f"{filler} gloss") == (Task.TRANSLATION, 0.875)
    assert all(len(text.encode()) <= MAX_BYTES for text in words.asked)
    assert set(words.asked[-1]) <= {*letter, *" \ngloss"}
