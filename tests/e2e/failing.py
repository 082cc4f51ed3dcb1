"""
Calls whose first target fails: which, by which client, over which two targets; and what came of each, as client, providers and ledger say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from e2e.faulty import AFTER, EVERY, FINAL, HOSTS, LARGE, MINDED, MODEL, MODELS, WELL, Faulty, prompt
from e2e.proxy import Proxy
from excise.standin import Seen

SECONDS = 2.0  # until a silent target is given up
AT_ONCE = 16

# Failures that look different in every dialect or at every stage; the others are tried with one pair of targets alone.
_TELLING = (
    *(
        "status503",
        "rate-late",
        "no-quota",
        "silent",
        "reset",
        "head-cut",
        "html",
        "other-json",
        "blank",
        "nothing",
        "short",
        "error-first",
        "cut-first",
    ),
    *AFTER,
    *FINAL,
    *WELL,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """
    A client and the two targets of its calls, by the stand-ins' names.
    """

    client: str
    first: str
    second: str

    @property
    def name(self) -> str:
        return f"{self.client}-{self.first}-{self.second}"


_MOST = tuple(name for name in EVERY if name not in LARGE and name not in MINDED)
PAIRS = {
    Pair("chat", "us", "eu"): _MOST,
    Pair("messages", "claude", "eu"): _MOST,
    Pair("responses", "us", "eu"): _TELLING,
    Pair("gemini", "gem", "claude"): _TELLING,
    Pair("chat", "claude", "gem"): _TELLING,
    Pair("chat", "rock", "eu"): _TELLING,
}


@dataclass(frozen=True, slots=True)
class Case:
    """
    One call. `orders` says to each stand-in what to do; `model` is the alias it asks for.
    """

    pair: Pair
    model: str
    orders: dict[str, str] = field(hash=False)
    stream: bool
    fault: str

    @property
    def id(self) -> str:
        return f"{self.model}-{'streamed' if self.stream else 'plain'}"


def cases() -> list[Case]:
    """
    Every pair with its faults at the first target, plain and streamed where the fault fits; and with both targets failing.
    """
    made = []
    for pair, faults in PAIRS.items():
        for name in faults:
            made += [
                Case(pair, f"{pair.name}-{name}", {pair.first: name}, stream, name) for stream in (False, True) if EVERY[name].fits(stream)
            ]
        made += [
            Case(pair, f"{pair.name}-both", {pair.first: "status503", pair.second: "status500"}, stream, "both") for stream in (False, True)
        ]
    return made


def policy(made: Iterable[Case], providers: Iterable[str] = (), aliases: Iterable[str] = (), rest: str = "") -> str:
    """
    A policy in which every case has an alias, and an entry of `providers` of its own as its first target: what one call finds out about a
    target does not keep the next from asking it. Further entries of `providers` and `aliases`, and what follows them, are given as lines.
    """
    named: dict[str, Case] = {case.model: case for case in made}
    limits = f"{{connect_seconds: 10, first_byte_seconds: {SECONDS}, idle_seconds: {SECONDS}, max_wait_seconds: 2, total_seconds: 30}}"
    lines = ["version: 1", "defaults:", f"  failover: {limits}", "providers:"]
    lines += [entry(name, name) for name in HOSTS if name not in ("au", "ca", "jp", "in")]
    lines += [entry(f"{model}-1", case.pair.first) for model, case in named.items()]
    lines += [*providers, "aliases:"]
    for model, case in named.items():
        lines.append(f"  {model}: [{model}-1/{model_of(case.pair.first)}, {case.pair.second}/{model_of(case.pair.second)}]")
    return "\n".join([*lines, *(f"  {alias}" for alias in aliases), rest])


def entry(name: str, standin: str) -> str:
    """
    An entry of `providers` that leads to a stand-in.
    """
    key = f"name: {name}, key: file:provider.key"
    match standin:
        case "claude":
            return f"- {{provider: anthropic, {key}}}"
        case "gem":
            return f"- {{provider: gemini, {key}}}"
        case "rock":
            return f"- {{provider: bedrock, region: us-east-1, {key}}}"
        case _:
            return f"- {{provider: openai, host: {HOSTS[standin]}, {key}}}"


def model_of(standin: str) -> str:
    return MODELS.get(standin, MODEL)


@dataclass(slots=True)
class Outcome:
    """
    What the client got: text as far as it came, and what was raised, if anything was.
    """

    text: str = ""
    error: Exception | None = None

    @property
    def status(self) -> int | None:
        status: int | None = getattr(self.error, "status_code", None) or getattr(self.error, "code", None)
        return status

    def header(self, name: str) -> str | None:
        response = getattr(self.error, "response", None)
        value: str | None = getattr(response, "headers", {}).get(name)
        return value


class ToldError(Exception):
    """
    An error that stands in a stream as an event.
    """


class Clients:
    """
    One SDK client of each dialect, at the proxy's own port, for all calls; none of them tries again by itself.
    """

    def __init__(self, stack: ExitStack, base: str, key: str) -> None:
        import anthropic
        import openai
        from google import genai
        from google.genai import types

        self._openai = stack.enter_context(openai.OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0, timeout=40))
        self._anthropic = stack.enter_context(anthropic.Anthropic(base_url=base, api_key=key, max_retries=0, timeout=40))
        self._gemini = stack.enter_context(genai.Client(api_key=key, http_options=types.HttpOptions(base_url=base, timeout=40_000)))
        self._asking: dict[str, Callable[[str, str, bool], Iterator[str | None]]] = {
            "chat": self._chat,
            "responses": self._responses,
            "messages": self._messages,
            "gemini": self._contents,
        }

    def ask(self, case: Case) -> Outcome:
        """
        Make a case's call and keep what comes of it, whatever that is.
        """
        outcome = Outcome()
        try:
            for piece in self._asking[case.pair.client](case.model, prompt(case.id, case.orders), case.stream):
                outcome.text += piece or ""
        except Exception as error:
            outcome.error = error
        return outcome

    def _chat(self, model: str, text: str, stream: bool) -> Iterator[str | None]:
        messages: list[Any] = [{"role": "user", "content": text}]
        if not stream:
            yield self._openai.chat.completions.create(model=model, messages=messages).choices[0].message.content
            return
        with self._openai.chat.completions.create(model=model, messages=messages, stream=True) as chunks:
            finish = None
            for chunk in chunks:
                for choice in chunk.choices:
                    yield choice.delta.content
                    finish = choice.finish_reason or finish
        assert finish == "stop", "the stream ended without an end"

    def _responses(self, model: str, text: str, stream: bool) -> Iterator[str | None]:
        if not stream:
            yield self._openai.responses.create(model=model, input=text).output_text
            return
        status = None
        with self._openai.responses.create(model=model, input=text, stream=True) as events:
            for event in events:
                if event.type == "response.output_text.delta":
                    yield event.delta
                elif event.type in ("error", "response.failed"):
                    raise ToldError(event.type)  # the SDK leaves it to the reader
                status = event.response.status if event.type == "response.completed" else status
        assert status == "completed", "the stream ended without an end"

    def _messages(self, model: str, text: str, stream: bool) -> Iterator[str | None]:
        asked: dict[str, Any] = {"model": model, "max_tokens": 400, "messages": [{"role": "user", "content": text}]}
        if not stream:
            yield "".join(block.text for block in self._anthropic.messages.create(**asked).content if block.type == "text")
            return
        with self._anthropic.messages.stream(**asked) as events:
            yield from events.text_stream
            assert events.get_final_message().stop_reason == "end_turn"

    def _contents(self, model: str, text: str, stream: bool) -> Iterator[str | None]:
        if not stream:
            yield _text_of(self._gemini.models.generate_content(model=model, contents=text))
            return
        finish = None
        for chunk in self._gemini.models.generate_content_stream(model=model, contents=text):
            yield _text_of(chunk)
            finish = chunk.candidates[0].finish_reason if chunk.candidates else finish
        assert finish == "STOP", "the stream ended without an end"


def _text_of(answer: Any) -> str:
    parts = answer.candidates[0].content.parts if answer.candidates and answer.candidates[0].content else None
    return "".join(part.text or "" for part in parts or ())


@dataclass(slots=True)
class Done:
    """
    A case and everything known of it afterwards. `attempts` are the ledger's, in order; `visits` what the stand-ins saw.
    """

    case: Case
    outcome: Outcome
    row: dict[str, Any]
    attempts: list[dict[str, Any]]
    visits: list[tuple[str, Seen]]

    def visits_of(self, standin: str) -> list[Seen]:
        return [seen for name, seen in self.visits if name == standin]


def run(made: list[Case], proxy: Proxy, group: Faulty, key: str) -> dict[str, Done]:
    """
    Make every call, several at once, and look up what the ledger and the stand-ins have of them.
    """
    with ExitStack() as stack:
        clients = Clients(stack, proxy.url, key)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(clients.ask, made))
    rows, attempts = ledger(proxy, len(made))
    visits = group.by_call()
    return {
        case.id: Done(
            case,
            outcome,
            rows[case.model, case.stream],
            attempts.get(rows[case.model, case.stream]["call_id"], []),
            sorted(visits.get(case.id, []), key=lambda visit: visit[0] != case.pair.first),
        )
        for case, outcome in zip(made, outcomes, strict=True)
    }


def ledger(proxy: Proxy, count: int) -> tuple[dict[tuple[str, bool], dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """
    The rows of `calls` by model asked for and whether streamed, and those of `attempts` by call.
    """
    calls = proxy.calls(count, where="operation in ('chat', 'responses', 'messages')", seconds=20)
    rows = {(row["model_requested"], bool(row["stream"])): row for row in calls}
    assert len(rows) == count, "two rows of one call"
    attempts: dict[str, list[dict[str, Any]]] = {}
    for attempt in proxy.query("select *, cost_usd::varchar as cost_text from attempts order by call_id, attempt"):
        attempts.setdefault(attempt["call_id"], []).append(attempt)
    return rows, attempts
