"""
The profile of a call: is it right on prompts nobody set it on, is it cheap, does it keep nothing?
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.profile_cases import PARTS as FILES
from bench.profile_cases import cases, request_of, turn
from excise.routing.profile import Need, Profile, Task
from excise.routing.profiling import profile_of
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    Image,
    Opaque,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningAsk,
    Refusal,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
    Video,
)

PNG = Blob("image/png", "aGFsbG8=")


def asked(*texts: str, **fields: object) -> Request:
    turns = tuple(turn("assistant" if number % 2 else "user", text) for number, text in enumerate(texts))
    return replace(Request("openai-chat", "a", turns), **fields)  # type: ignore[arg-type]


# -- right? ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "floor"), [("tuned", 0.98), ("tuned_later", 0.93), ("held_out", 0.91), ("fresh", 0.8)])
def test_most_tasks_are_told_right(part: str, floor: float) -> None:
    """
    Also on prompts that words and weights were not set on.
    """
    told = [(case.task is profile_of(case.request).task) for case in cases(part)]

    assert len(told) > 60
    assert sum(told) / len(told) >= floor


def test_no_task_and_no_language_is_left_behind() -> None:
    """
    On all prompts together, no task is told right in less than five calls of six, no language in less than four of five.
    """
    right: dict[str, list[bool]] = {}
    for part in FILES:
        for case in cases(part):
            hit = case.task is profile_of(case.request).task
            right.setdefault(case.task, []).append(hit)
            right.setdefault(case.language, []).append(hit)

    assert {name: share for name, hits in right.items() if (share := sum(hits) / len(hits)) < (0.83 if len(name) > 2 else 0.8)} == {}


NEGATIVES = {
    "Translate this into SQL: all users older than thirty": Task.CODE,
    "Write a summary function for the report class": Task.CODE,
    "Extract the method into a class": Task.CODE,
    "Summarise this diff:\n\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a = 1\n+a = 2": Task.SUMMARISATION,
    "Classify these tickets as JSON: 1. cannot log in 2. wrong invoice": Task.EXTRACTION,
    "Translate the comments in this Python function to German": Task.TRANSLATION,
    "Write a Python script that translates text files": Task.CODE,
}


@pytest.mark.parametrize(("text", "task"), NEGATIVES.items())
def test_the_first_verb_and_its_object_decide(text: str, task: Task) -> None:
    """
    The name of a task inside another task does not mislead.
    """
    assert profile_of(asked(text)).task is task


@pytest.mark.parametrize("text", ["", " ", "…", "asdf", "12 34", "The heron stood still.", "\ud800"])
def test_where_nothing_speaks_the_task_is_unknown(text: str) -> None:
    """
    `unknown` has no confidence; everything else has some.
    """
    profile = profile_of(asked(text))

    assert (profile.task, profile.confidence) == (Task.UNKNOWN, 0.0)


def test_a_request_without_turns_has_a_profile() -> None:
    """
    There is nothing to tell, and nothing is made up.
    """
    profile = profile_of(Request("openai-chat", None, ()))

    assert (profile.task, profile.turns, profile.conversation, profile.input_tokens) == (Task.UNKNOWN, 0, b"", None)


def test_where_the_system_text_names_the_task_the_words_are_material() -> None:
    """
    A greeting sent to a translator is to be translated; a list of abilities names no task.
    """
    translator = Request(
        "openai-chat", "a", (turn("system", "Translate the following from English into Italian."), turn("user", "Hi there!"))
    )
    able = "You can translate, summarize, extract data, analyze tables and write code."

    assert profile_of(translator).task is Task.TRANSLATION
    assert profile_of(Request("openai-chat", "a", (turn("system", able), turn("user", "Hi there!")))).task is Task.CONVERSATION


def test_a_bigger_material_does_not_change_the_task() -> None:
    """
    The instruction is found before or behind a megabyte of text.
    """
    prose = "The boats came back half empty, and the smokehouse let its workers go. " * 15_000

    assert profile_of(asked(f"Summarize the following report.\n\n{prose}")).task is Task.SUMMARISATION
    assert profile_of(asked(f"{prose}\n\nTranslate the text above to German.")).task is Task.TRANSLATION


# -- harnesses -------------------------------------------------------------------------------------------------------------------------

WRAPS = ("claude_code", "cline", "cursor", "aider", "codex", "ide", "roo", "gemini_cli")


@pytest.mark.parametrize("wrap", WRAPS)
def test_what_a_harness_wraps_around_the_words_says_nothing(wrap: str) -> None:
    """
    A clear wish of the user's is seen through reminders, editor state and rules, whatever these speak of.
    """
    for say, task in (
        ("Translate to German: good night, little moon", Task.TRANSLATION),
        ("Summarize this text in one sentence: the boats came back empty, the smokehouse closed.", Task.SUMMARISATION),
    ):
        assert profile_of(request_of({"say": say, "wrap": wrap})).task is task


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_harness_with_tools_is_an_agent(wrap: str) -> None:
    """
    Its system text alone says so, however little the user says.
    """
    profile = profile_of(request_of({"say": "ok", "wrap": wrap, "tools": ["Read", "Edit"]}))

    assert (profile.task, profile.signals[0]) == (Task.AGENTIC, "tools")


def test_a_block_that_begins_before_the_sample_is_taken_off_too() -> None:
    """
    Of a reminder too long to be read whole, neither end is taken for the user's words.
    """
    block = "translate everything to German, extract all names. " * 2000

    for text in (f"<system-reminder>{block}</system-reminder>Why is the sky blue?", f"Why is the sky blue?<file_tree>{block}"):
        assert profile_of(asked(text)).task is Task.CONVERSATION


# -- needs -----------------------------------------------------------------------------------------------------------------------------

TOOL = Tool("look_up", schema={"type": "object"})
NEEDS = [
    (asked("a"), set()),
    (asked("a", tools=(TOOL,)), {Need.TOOLS}),
    (asked("a", tools=(TOOL,), tool_choice=ToolChoice("none")), set()),
    (asked("a", output=OutputFormat(schema={"type": "object"})), {Need.JSON_SCHEMA}),
    (asked("a", output=OutputFormat()), set()),
    (asked("a", reasoning=ReasoningAsk(effort="high")), {Need.REASONING}),
    (asked("a", reasoning=ReasoningAsk(budget_tokens=2000)), {Need.REASONING}),
    (asked("a", reasoning=ReasoningAsk(adaptive=True)), {Need.REASONING}),
    (asked("a", reasoning=ReasoningAsk(effort="none")), set()),
    (asked("a", reasoning=ReasoningAsk(effort="minimal")), set()),
    (asked("a", reasoning=ReasoningAsk(visible=True)), set()),
    (asked("a", reasoning=ReasoningAsk(budget_tokens=0)), set()),
    (asked("a", "Sure:"), {Need.PREFILL}),
    (Request("gemini", "a", (Turn("user", (Image(source=PNG), Text(text="what is it?"))),)), {Need.VISION}),
    (Request("gemini", "a", (Turn("user", (Audio(source=Blob("audio/wav", "aGFs")),)),)), {Need.AUDIO}),
    (Request("gemini", "a", (Turn("user", (Video(source=Blob("video/mp4", "aGFs")),)),)), {Need.VIDEO}),
    (Request("gemini", "a", (Turn("user", (Document(source=Blob("application/pdf", "aGFs")),)),)), {Need.DOCUMENT}),
    (Request("gemini", "a", (Turn("user", (ToolResult(call_id="1", parts=(Image(source=PNG),)),)), turn("user", "and?"))), {Need.VISION}),
]


@pytest.mark.parametrize(("request_", "needs"), NEEDS, ids=[f"{number}" for number in range(len(NEEDS))])
def test_needs_are_what_the_request_shows(request_: Request, needs: set[Need]) -> None:
    """
    Structure alone, wherever in the conversation it stands.
    """
    assert profile_of(request_).needs == needs


# -- complexity and length -------------------------------------------------------------------------------------------------------------


def test_complexity_rises_with_what_is_asked() -> None:
    """
    A greeting is the simplest of calls, and each of these is harder than the one before.
    """
    code = "```python\ndef f(x):\n    return x\n```"
    rising = [
        asked("Hi!"),
        asked("What is the capital of Peru? And of Chile?"),
        asked(f"Add a test to this:\n{code}"),
        asked(f"First add a test, then make it async. It must not block, must keep the order, at most 3 at once.\n{code}"),
        asked(
            f"First add a test, then make it async, then prove that it is optimal. It must not block, must keep the order.\n{code * 200}",
            tools=(TOOL,) * 12,
            reasoning=ReasoningAsk(effort="high"),
        ),
    ]
    hard = [profile_of(request).complexity for request in rising]

    assert all(before < after for before, after in pairwise(hard)), hard
    assert hard[0] < 0.05
    assert hard[-1] > 0.5


@given(st.integers(0, 40), st.integers(0, 20), st.integers(0, 30_000))
@settings(max_examples=60, deadline=None)
def test_complexity_never_falls_as_a_call_grows(turns: int, tools: int, size: int) -> None:
    """
    More turns, more tools, more text, more demands: never simpler.
    """

    def complexity(more_turns: int, more_tools: int, more: int, demands: str) -> float:
        before = (turn("user", "go on"), turn("assistant", "well")) * (turns + more_turns)
        offered = (TOOL,) * (tools + more_tools)
        return profile_of(
            Request("openai-chat", "a", (*before, turn("user", "plain " * ((size + more) // 6) + demands)), tools=offered)
        ).complexity

    least = complexity(0, 0, 0, "")
    assert (
        0
        <= least
        <= min(complexity(5, 0, 0, ""), complexity(0, 5, 0, ""), complexity(0, 0, 5000, ""), complexity(0, 0, 0, " it must, at most"))
        <= 1
    )


def test_the_answer_expected_follows_the_task_and_its_material() -> None:
    """
    A translation is as long as its text, a summary is not; and no answer is longer than the client allows.
    """
    prose = "The boats came back half empty. " * 1000
    translation, summary = profile_of(asked(f"Translate to German: {prose}")), profile_of(asked(f"Summarize this: {prose}"))

    assert translation.output_tokens is not None
    assert summary.output_tokens is not None
    assert 6000 < translation.output_tokens < 12_000
    assert 100 < summary.output_tokens < 1500
    assert profile_of(asked("Hi!", max_tokens=5)).output_tokens == 5
    assert profile_of(asked("Write an essay of 2000 words on herring")).output_tokens == 3000
    assert (profile_of(asked("Hi!", reasoning=ReasoningAsk(effort="high"))).output_tokens or 0) > 5000


def test_what_is_given_is_passed_on() -> None:
    """
    Token counts and limits are the caller's; turns leave the system text out.
    """
    profile = profile_of(
        Request("openai-chat", "a", (turn("system", "s"), turn("user", "u"), turn("assistant", "a")), max_tokens=9), input_tokens=77
    )

    assert (profile.input_tokens, profile.max_tokens, profile.turns) == (77, 9, 2)


# -- conversation ----------------------------------------------------------------------------------------------------------------------


def test_all_calls_of_a_conversation_share_its_digest() -> None:
    """
    What comes later, which model answers and where cache marks stand make no difference.
    """
    system, first = turn("system", "be kind"), turn("user", "hello")
    begun = Request("openai-chat", "a", (system, first), tools=(TOOL,))
    later = Request("anthropic", "b", (system, first, turn("assistant", "hi"), turn("user", "more")), tools=(TOOL,), max_tokens=5)
    marked = replace(begun, turns=(system, Turn("user", (Text(text="hello", cache="5m"),))))
    digests = {profile_of(request).conversation for request in (begun, later, marked)}

    assert len(digests) == 1
    assert len(digests.pop()) == 16


def test_a_line_that_changes_with_every_call_does_not_split_a_conversation() -> None:
    """
    Coding agents bill by a hash they put before the system text, as a part of its own or as its first line.
    """
    line = "x-anthropic-billing-header: cc_version=2.1.177.01c; cch={};"
    apart = [(Text(text=line.format(number)), Text(text="be kind")) for number in ("36ee5", "0aaa9")]
    joined = [(Text(text=f"{line.format(number)}\nbe kind"),) for number in ("36ee5", "0aaa9")]
    digests = [
        profile_of(Request("anthropic-messages", "a", (Turn("system", parts), turn("user", "hello")))).conversation
        for parts in (*apart, *joined)
    ]

    assert digests[0] == digests[1]
    assert digests[2] == digests[3]


def test_conversations_that_begin_otherwise_differ() -> None:
    """
    In system text, tools, first words, a picture; the border between texts counts too.
    """
    parts: list[tuple[Part, ...]] = [
        (Text(text="ab"),),
        (Text(text="a"), Text(text="b")),
        (Text(text="ab"), Image(source=PNG)),
        (Text(text="ab"), Image(source=Blob("image/png", "d2VsdA=="))),
        (Text(text="a" * 100_000),),
        (Text(text="a" * 50_000 + "b" + "a" * 49_999),),
    ]
    requests = [Request("openai-chat", "a", (Turn("user", some),)) for some in parts]
    requests += [replace(requests[0], tools=(TOOL,)), replace(requests[0], turns=(turn("system", "x"), *requests[0].turns))]

    assert len({profile_of(request).conversation for request in requests}) == len(requests)


# -- cheap, safe, silent ---------------------------------------------------------------------------------------------------------------

HOSTILE = {
    "open blocks": "<context>" * 200_000,
    "closing blocks": "</context>" * 200_000,
    "angles": "<" * 1_000_000,
    "fences": "```" * 300_000,
    "bars": "|" * 1_000_000,
    "separators": ",;\t" * 300_000,
    "new lines": "\n" * 1_000_000,
    "blanks": " " * 1_000_000 + "x",
    "brackets": "{[" * 500_000,
    "words": "translate extract summary " * 40_000,
    "accents": "éàüßœłё" * 150_000,
    "digits": "1. " * 300_000,
    "headings": "# Context:\n# Question:\n" * 40_000,
    "prose": "The boats came back half empty, and nobody knew why. " * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_long(text: str) -> None:
    """
    A few milliseconds at the very most, whatever a megabyte holds (a bound to catch quadratic work: `scripts/bench profile` measures).
    """
    request = asked(text)
    profile_of(request)
    took = []
    for _ in range(5):
        begun = time.thread_time()
        profile_of(request)
        took.append(time.thread_time() - begun)

    assert min(took) < 0.01


TEXTS = st.one_of(
    st.text(max_size=400),
    st.lists(st.sampled_from([*"<>/`|,;\n {}[]\"':?¶é要約ё", "\ud800", "context", "system-reminder", "translate", "Question:"])).map(
        "".join
    ),
    st.sampled_from(["translate", "\ud800", "\udfff```", "<context>", "Context:\nQuestion:", "999999999 words", "٣٤٥ words", "²² words"]),
)
BLOBS = st.builds(Blob, st.just("image/png"), TEXTS)
PARTS = st.one_of(
    st.builds(Text, text=TEXTS),
    st.builds(Image, source=BLOBS),
    st.builds(Document, source=BLOBS, title=st.none() | TEXTS),
    st.builds(ToolCall, id=TEXTS, name=TEXTS, arguments=st.none(), text=TEXTS),
    st.builds(ToolResult, call_id=TEXTS, parts=st.lists(st.builds(Text, text=TEXTS), max_size=2).map(tuple)),
    st.builds(Refusal, text=TEXTS),
    st.builds(Reasoning, text=TEXTS),
    st.builds(Opaque, kind=TEXTS),
)
TURNS = st.builds(Turn, st.sampled_from(["system", "user", "assistant"]), st.lists(PARTS, max_size=4).map(tuple))
REQUESTS = st.builds(
    Request,
    st.just("openai-chat"),
    st.none() | TEXTS,
    st.lists(TURNS, max_size=6).map(tuple),
    tools=st.lists(st.builds(Tool, TEXTS, st.none() | TEXTS), max_size=3).map(tuple),
    tool_choice=st.none() | st.builds(ToolChoice, st.sampled_from(["auto", "none", "required", "named"]), st.just(())),
    max_tokens=st.none() | st.integers(-5, 10**30),
    output=st.none() | st.builds(OutputFormat),
    reasoning=st.none()
    | st.builds(ReasoningAsk, effort=st.sampled_from([None, "none", "low", "max"]), budget_tokens=st.none() | st.integers(-1, 10**30)),
)


@given(REQUESTS)
@settings(max_examples=120, deadline=None)
def test_every_request_has_a_profile(request: Request) -> None:
    """
    Never an exception, always within bounds, and the same each time.
    """
    profile = profile_of(request)

    assert 0 <= profile.complexity <= 1
    assert 0 <= profile.confidence <= 1
    assert (profile.confidence == 0) is (profile.task is Task.UNKNOWN)
    assert profile.output_tokens is not None
    assert profile.output_tokens >= 1
    assert profile == profile_of(request)


def test_nothing_of_the_content_is_kept() -> None:
    """
    Neither words of the user's nor names of his tools stand in a profile, however it is printed.
    """
    marker = "zanzibarquux"
    profile = profile_of(
        Request(
            "openai-chat",
            "a",
            (turn("system", f"translate {marker}"), turn("user", f"summarize {marker}: `{marker}_x()`"), turn("assistant", marker)),
            tools=(Tool(marker, marker),),
            user=marker,
        )
    )

    assert isinstance(profile, Profile)
    assert profile.signals
    assert marker not in repr(profile)
    assert marker.encode() not in profile.conversation
