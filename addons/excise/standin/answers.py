"""
What the stand-in says: text, thoughts, tool calls and token counts. All follow from the request alone: the same request always gets
the same bytes.

Words in what the user says steer it:

    echo: …             is answered with what follows
    use tool            calls the first tool; `use tool NAME` that one
    use all tools       calls every tool at once
    steps: N            calls tools in N rounds, one a round, taking turns
    plan: a, b+c        calls a, then b and c at once; then sums up
    narrate             says a word before it calls tools
    think hard          thinks, where the model can; `think secretly`: the same, but nobody may read it
    refuse              declines, in the dialect's way
    filter this         is cut off by the provider's filter
    words: N            answers at that length
    interleave          mixes the pieces of parallel calls in a stream (OpenAI's chat)
    from cache          (anywhere in the prompt) bills half the input as a cache read

After the last round, and wherever the conversation ends with results of tools, the answer quotes what the tools said, so that loops end.
A tool choice that forces a call is obeyed before all else, and a schema shapes whatever text there is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from excise.standin.ask import Ask, Said, Tool, count_tokens, digest
from excise.standin.schemas import instance

LOREM = """
the quick harbour keeps a quiet ledger of every ship that leaves before dawn and counts each lantern twice so that
no cargo sails unnamed while the tide writes its own account in salt along the stone
"""
REASONING_TOKENS = 64
EPOCH = 1_760_000_000  # every answer was "created" then
REFUSAL = "I cannot help with that."
FILLER = "harbour"
_MOST_STEPS = 100
_MOST_WORDS = 100_000

_PLAN = re.compile(r"\bplan:\s*(.+?)\s*(?:[;\n]|\.\s|\.?$)")
_STEPS = re.compile(r"\bsteps:\s*(\d+)")
_WORDS = re.compile(r"\bwords:\s*(\d+)")
_USE = re.compile(r"\buse tool(?:\s+([\w.:-]+))?")
_PIECES = re.compile(r"\s*\S+|\s+$")

type Finish = Literal["stop", "stop_sequence", "length", "tool", "refusal", "filter"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """
    `id`: 32 hexadecimal digits, which dialects make their ids of.
    """

    id: str
    name: str
    arguments: dict[str, Any]
    text: str = ""  # what a custom tool gets

    @property
    def json(self) -> str:
        """
        The arguments as compact JSON.
        """
        return json.dumps(self.arguments, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One composed answer. `words` are the pieces a stream sends; token counts are inclusive totals.
    """

    id: str  # 32 hexadecimal digits
    words: tuple[str, ...]
    calls: tuple[ToolCall, ...]
    finish: Finish
    stop: str | None  # the stop sequence that was hit
    thought: tuple[str, ...]  # in pieces; empty: it did not think
    secret: bool  # nobody may read the thought
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    count: int = 1

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def thoughts(self) -> str:
        return "".join(self.thought)


def compose(ask: Ask) -> Answer:
    """
    Answer a request.
    """
    name = digest(ask.content, ask.declared)
    spoken = [one for one in ask.said if one.who in ("system", "user")]
    prompt = " ".join(one.text for one in spoken)
    latest = next((one.text for one in reversed(ask.said) if one.who == "user"), "")
    reasoning = _reasoning(ask, prompt)
    calls, text = _substance(ask, name, latest)
    finish: Finish = "tool" if calls else "stop"
    if not calls and ask.schema is None and re.search(r"\brefuse\b", latest):
        finish, text = "refusal", REFUSAL
    words = _pieces(text, ask.schema is not None)
    stop = None
    if finish == "stop":
        words, stop = _stopped(words, ask.stop)
        finish = "stop_sequence" if stop is not None else "stop"
        if "filter this" in latest:
            words, finish, stop = words[:3], "filter", None
    spoken_tokens = sum(count_tokens(call.text or call.arguments) + 5 for call in calls) + len(words)
    if ask.limit is not None and reasoning + len(words) > ask.limit and not calls:
        reasoning = min(reasoning, ask.limit)
        words, finish, stop = words[: ask.limit - reasoning], "length", None
        spoken_tokens = len(words)
    tokens = count_tokens(ask.content) + (count_tokens(ask.declared) if ask.declared else 0)
    thought = _pieces(f"Thinking about {name[:6]}: {_lorem(name)[17:60].strip()}.", False) if reasoning else ()
    secret = "think secretly" in prompt
    cached = tokens // 2 if "from cache" in prompt else 0
    output = spoken_tokens * ask.count + reasoning
    return Answer(name, words, calls, finish, stop, thought, secret, tokens, output, cached, reasoning, ask.count)


def _reasoning(ask: Ask, prompt: str) -> int:
    asked = "think hard" in prompt or "think secretly" in prompt
    thinks = ask.thinks and (asked if ask.must_think is None else ask.must_think)
    return REASONING_TOKENS if thinks else 0


def _substance(ask: Ask, name: str, latest: str) -> tuple[tuple[ToolCall, ...], str]:
    """
    The calls to make and the text to say, one of them mostly empty.
    """
    tools = tuple(tool for tool in ask.tools if not ask.allowed or tool.name in ask.allowed)
    at, rounds = _directive(ask, tools)
    after = ask.said[(_last_word(ask.said) if at is None else at) + 1 :]
    heard = [one for one in after if one.who == "result"]
    echoed = next((one.text.partition("echo: ")[2] for one in reversed(ask.said) if one.who == "user" and "echo: " in one.text), "")
    made, done = sum(one.who == "call" for one in after), _rounds(after)
    wanted: list[Tool] = []
    if tools and ask.choice == "required":
        wanted = rounds[done] if done < len(rounds) else [tools[0]]
    elif tools and ask.choice == "auto" and done < len(rounds):
        wanted = rounds[done]
    if wanted:
        calls = tuple(_call(tool, name, at, made + at, echoed or FILLER) for at, tool in enumerate(wanted))
        return calls, "Let me look." if "narrate" in latest else ""
    names = {one.id: one.name for one in ask.said if one.who == "call"}
    quoted = "; ".join(_quoted(one, names) for one in heard)
    if ask.schema is not None:
        said = quoted or echoed or FILLER
        return (), json.dumps(instance(ask.schema, said) if ask.schema else {"answer": said}, ensure_ascii=False, separators=(",", ":"))
    if quoted:
        return (), f"Stand-in {name[:6]}: {quoted}."
    return (), echoed or _lorem(name, ask)


def _directive(ask: Ask, tools: tuple[Tool, ...]) -> tuple[int | None, list[list[Tool]]]:
    """
    Where the user last said which tools to use, unless that has been answered since, and the rounds this means.
    """
    for at in range(len(ask.said) - 1, -1, -1):
        one = ask.said[at]
        if one.who == "user" and (rounds := _plan(one.text, tools)):
            if _answered(ask.said[at + 1 :]):
                return None, []
            return at, rounds if ask.parallel else [[tool] for several in rounds for tool in several]
    return None, []


def _plan(text: str, tools: tuple[Tool, ...]) -> list[list[Tool]]:
    if not tools:
        return []
    by_name = {_plain(tool.name): tool for tool in reversed(tools)}
    if found := _PLAN.search(text):
        named = [[by_name.get(_plain(name.strip())) for name in several.split("+")] for several in found[1].split(",")]
        return [known for several in named if (known := [tool for tool in several if tool])]
    if found := _STEPS.search(text):
        return [[tools[at % len(tools)]] for at in range(min(int(found[1][:4]), _MOST_STEPS))]
    if "use all tools" in text:
        return [list(tools)]
    if found := _USE.search(text):
        return [[by_name.get(_plain(found[1] or ""), tools[0])]]
    return []


def _plain(name: str) -> str:
    # A proxy may have had to rename a tool; the user still says the old name.
    return re.sub(r"[^A-Za-z0-9]", "_", name)


def _answered(said: tuple[Said, ...]) -> bool:
    """
    Whether the assistant has said something since that was not the beginning of a call.
    """
    return any(one.who == "assistant" and (at + 1 == len(said) or said[at + 1].who != "call") for at, one in enumerate(said))


def _rounds(said: tuple[Said, ...]) -> int:
    return sum(one.who == "call" and (not at or said[at - 1].who != "call") for at, one in enumerate(said))


def _last_word(said: tuple[Said, ...]) -> int:
    """
    Where the assistant last spoke or called; -1: never.
    """
    return max((at for at, one in enumerate(said) if one.who in ("assistant", "call")), default=-1)


def _call(tool: Tool, name: str, at: int, number: int, filler: str) -> ToolCall:
    said = filler if not number else f"{filler} {number + 1}"
    id_ = digest(name, at)
    if tool.custom:
        return ToolCall(id_, tool.name, {}, said)
    arguments = instance(tool.schema, said) if tool.schema else {}
    return ToolCall(id_, tool.name, arguments if isinstance(arguments, dict) else {})


def _quoted(result: Said, names: dict[str, str]) -> str:
    name = names.get(result.id) or result.name or "the tool"
    said = [result.text] if result.text else []
    return f"{name} {'failed with' if result.failed else 'said'} {', '.join([*said, *result.media]) or 'nothing'}"


def _pieces(text: str, structured: bool) -> tuple[str, ...]:
    if structured:
        return tuple(text[at : at + 12] for at in range(0, len(text), 12))
    return tuple(_PIECES.findall(text))


def _stopped(words: tuple[str, ...], stops: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    text = "".join(words)
    found = min(((place, stop) for stop in stops if stop and (place := text.find(stop)) >= 0), default=None)
    if found is None:
        return words, None
    kept, left = [], found[0]
    for word in words:
        if left > 0:
            kept.append(word[:left])
        left -= len(word)
    return tuple(kept), found[1]


def _lorem(name: str, ask: Ask | None = None) -> str:
    words = LOREM.split()
    asked = next((found for one in reversed(ask.said) if one.who == "user" and (found := _WORDS.search(one.text))), None) if ask else None
    start, length = int(name[:2], 16), min(int(asked[1][:6]), _MOST_WORDS) if asked else 8 + int(name[2:4], 16) % 17
    text = f"Stand-in {name[:6]}: " + " ".join(words[(start + i) % len(words)] for i in range(length))
    media = [one for said in ask.said if said.who == "user" for one in said.media] if ask else []
    return f"{text}. I see {'; '.join(media)}." if media else text
