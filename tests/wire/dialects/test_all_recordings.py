"""
Everything that was recorded of real clients and providers, through every dialect.

A request comes back as it was, and can be asked of others; an answer says and costs the same to a client of any dialect; an error stays
one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import orjson
from official_types import check
from recorded_calls import Given, Recorded, aim, bodies, calls, give, metered, others, read

from excise.errors import BadRequest
from excise.wire.dialect import Dialect, Sent
from excise.wire.dialects.registry import DIALECTS
from excise.wire.loss import Loss
from excise.wire.neutral import (
    Answer,
    Audio,
    Candidate,
    Document,
    Finish,
    Image,
    Link,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from excise.wire.upstream_error import Fault
from excise.wire.usage import Usage
from recordings import require_recordings

pytestmark = require_recordings

# Requests that nobody can read, and that their provider refused as well.
UNREADABLE = {
    "anthropic-messages-41d899ec2f": "a message that is no object",
    "vertex-chat-79df446ee0": "a role that Google does not know",
}
NO_JSON = {"writer-chat-e09e166948"}  # a comma too many, which the provider forgave

# Requests that come back changed, and where.
CHANGED = {
    "openai-chat-4f89f1431e": {"max_tokens"},  # given beside max_completion_tokens, which OpenAI answers with 400
    "openai-responses-e33d0cff4f": {"model"},  # it names none, as its stored prompt does; who is asked is always named
}

# Answers with status 200 that are none.
FAILED = {
    "cohere-chat-e608162ba9": "internal",  # ends with finish_reason ERROR
    "groq-chat-e87a89f32d": "bad_request",  # an error event after 200: the call did not fit its schema
    "openrouter-chat-6181ed68b9": "internal",  # 200 around a 502
    "openrouter-chat-777570ab01": "internal",
    "openai-responses-91e786c00b": "internal",  # only queued
}

# The longer half stands behind their end: a guardrail's trace, usage.
WHOLE_BY_HALF = {"bedrock-chat-c96738592f", "openrouter-chat-988eeb4ac2", "xai-chat-766257513c"}


def answered() -> list[Recorded]:
    return [one for one in calls() if one.status == 200 and one.record["meta"]["response_body_fidelity"] != "absent"]


# -- requests --------------------------------------------------------------------------------------------------------------------------


def test_recorded_requests_come_back() -> None:
    """
    What clients really sent is read, and written to the same provider as it was; refused is only what the provider refused.
    """
    unreadable, changed, count = set(), {}, 0
    for one in calls():
        if one.prompt.json is None:
            assert one.id in NO_JSON
            continue
        try:
            request = one.request
        except BadRequest:
            assert one.status >= 400, one.id
            unreadable.add(one.id)
            continue
        model = one.prompt.json.get("model") or one.model
        encoded = one.dialect.encode_request(request, replace(one.target, model=model))
        count += 1
        if encoded.body != one.prompt.json:
            changed[one.id] = {key for key, _ in _items(encoded.body) ^ _items(one.prompt.json)}
        assert encoded.losses == (), one.id

    assert unreadable == UNREADABLE.keys()
    assert changed == CHANGED
    assert count > 600


def _items(body: dict[str, Any]) -> set[tuple[str, bytes]]:
    return {(key, orjson.dumps(value)) for key, value in body.items()}


def test_recorded_requests_can_be_asked_of_others() -> None:
    """
    In any other dialect; and impossible is only what a request really holds of what others have not.
    """
    verdicts: Counter[tuple[str, str, str]] = Counter()
    lost: Counter[tuple[str, str, str]] = Counter()
    for one in calls():
        if not one.readable:
            continue
        for other in others(one.dialect):
            encoded = other.encode_request(one.request, aim(other.name, one.request))
            orjson.dumps(encoded.body)
            verdicts[one.dialect.name, other.name, encoded.verdict.value] += 1
            lost.update((other.name, loss.field, loss.change.value) for loss in encoded.losses)
            unfounded = [loss for loss in encoded.losses if loss.fatal and not _founded(loss, one.request)]
            assert unfounded == [], one.id
    for source, name in sorted({key[:2] for key in verdicts}):
        exact, degraded, impossible = (verdicts[source, name, verdict] for verdict in ("exact", "degraded", "impossible"))
        print(f"{source} -> {name}: {exact} exact, {degraded} degraded, {impossible} impossible")
    print(*(f"{count} {' '.join(what)}" for what, count in lost.most_common(40)), sep="\n")

    assert verdicts.total() > 4000
    assert sum(count for key, count in verdicts.items() if key[2] == "impossible") < verdicts.total() * 0.12


def test_a_foreign_client_may_ask_for_what_a_provider_took() -> None:
    """
    Each request that was answered can be asked of the same model by a client of another dialect, its provider's own services aside.
    """
    count = 0
    for one in answered():
        if not one.readable:
            continue
        encoded = one.dialect.encode_request(replace(one.request, dialect="?"), one.target)
        orjson.dumps(encoded.body)
        assert [loss for loss in encoded.losses if loss.fatal and not _vital(loss, one.request)] == [], one.id
        count += 1
    assert count > 500


def _parts(request: Request) -> Iterator[Part]:
    for turn in request.turns:
        for part in turn.parts:
            yield part
            if isinstance(part, ToolResult):
                yield from part.parts


def _vital(loss: Loss, request: Request) -> bool:
    """
    Whether it is something that only its own provider has.
    """
    kinds = {part.kind for part in _parts(request) if isinstance(part, Opaque) and part.vital}
    return loss.field in kinds | {extra.field for extra in request.extras} or (loss.field == "logprobs" and request.logprobs is not None)


def _founded(loss: Loss, request: Request) -> bool:
    media = {"image": Image, "document": Document, "audio": Audio, "video": Video}
    kind, _, url = loss.field.partition(".")
    if _vital(loss, request):
        return True
    if kind in media:
        found = [part for part in _parts(request) if isinstance(part, media[kind])]
        return any(isinstance(part.source, Link) for part in found) if url else bool(found)
    return loss.field == "candidates" and (request.candidates or 1) > 1


# -- answers ---------------------------------------------------------------------------------------------------------------------------

# What a client of a dialect reads where it has no word for what was meant.
_NEAR = {
    Finish.STOP_SEQUENCE: {Finish.STOP},
    Finish.PAUSE: {Finish.LENGTH},
    Finish.FILTER: {Finish.REFUSAL},
    Finish.REFUSAL: {Finish.FILTER},
}
_POOR = {
    ("mistral-chat", Finish.FILTER): Finish.BROKEN,
    ("mistral-chat", Finish.REFUSAL): Finish.STOP,  # in words
    ("ollama", Finish.FILTER): Finish.STOP,
    ("ollama", Finish.REFUSAL): Finish.STOP,
}
_SEVERAL = {"openai-chat", "mistral-chat", "gemini"}  # dialects with several candidates
_CACHE_READ = {"openai-chat", "openai-responses", "anthropic-messages", "gemini", "bedrock-converse", "mistral-chat"}
_CACHE_WRITE = {"openai-chat", "openai-responses", "anthropic-messages", "bedrock-converse"}
_REASONING = {"openai-chat", "openai-responses", "anthropic-messages", "gemini"}


@dataclass(frozen=True)
class Told:
    """
    One recorded answer to one client: what was said, and what arrived.
    """

    one: Recorded
    client: str
    said: Answer | Fault
    used: Usage
    given: Given
    arrived: Answer | Fault


@cache
def told() -> tuple[Told, ...]:
    """
    Every recorded answer to every client, streamed and whole, however it came.
    """
    found = []
    for one in answered():
        said, used = read(one.dialect, one.arrival, Sent(one.target)), metered(one.call, one.arrival)
        for client in others(one.dialect):
            for stream in (True, False):
                given = give(one, client, stream=stream)
                found.append(Told(one, client.name, said, used, given, given.read()))
    return tuple(found)


def test_answers_that_were_none_are_errors_to_every_client() -> None:
    """
    An error inside a 200 arrives as one, with an error's status where no byte of an answer went before; and no other answer does.
    """
    failed = {one.one.id: one.given.made.fault for one in told() if one.given.made.fault is not None}

    assert {id_: fault.sort for id_, fault in failed.items() if fault is not None} == FAILED
    for one in told():
        fault = one.given.made.fault
        assert isinstance(one.arrived, Fault) is (fault is not None), (one.one.id, one.client)
        if isinstance(one.arrived, Fault) and fault is not None:
            assert one.arrived.message == fault.message, (one.one.id, one.client)


def test_every_client_reads_what_the_provider_said() -> None:
    """
    Text, thoughts, calls and their arguments, and why it ended, candidate for candidate.
    """
    count: Counter[str] = Counter()
    for one in told():
        if isinstance(one.said, Fault) or isinstance(one.arrived, Fault):
            continue
        where = (one.one.id, one.client, one.given.made.streams)
        said, arrived = one.said.candidates, one.arrived.candidates
        assert len(arrived) == (len(said) if one.client in _SEVERAL else 1), where
        for ours, theirs in zip(said, arrived, strict=False):
            assert _text(theirs) == _text(ours), where
            assert _thought(theirs) == _thought(ours), where
            assert [_call(call) for call in _calls(theirs)] == [_call(call) for call in _calls(ours)], where
            near = {ours.finish, _POOR.get((one.client, ours.finish)), *_NEAR.get(ours.finish, ())}
            assert theirs.finish in near, where
            count.update(type(part).__name__ for part in ours.parts)

    assert count["Text"] > 2000 and count["Reasoning"] > 1000 and count["ToolCall"] > 500


def _text(candidate: Candidate) -> str:
    return "".join(part.text for part in candidate.parts if isinstance(part, Text | Refusal))


def _thought(candidate: Candidate) -> str:
    return "".join(part.text for part in candidate.parts if isinstance(part, Reasoning))


def _calls(candidate: Candidate) -> list[ToolCall]:
    return [part for part in candidate.parts if isinstance(part, ToolCall)]


def _call(call: ToolCall) -> tuple[str, Any]:
    """
    Name and arguments; of arguments that are no object, in a dialect that takes none but objects, what was wrapped.
    """
    arguments = call.arguments
    if arguments is not None and len(arguments) == 1 and (text := arguments.get("arguments", arguments.get("input"))) is not None:
        return call.name, text
    return call.name, call.text if arguments is None else dict(arguments)


def test_every_client_reads_what_the_provider_billed() -> None:
    """
    All input and all output, and of their parts those which the client's dialect tells apart.
    """
    count = 0
    for one in told():
        if one.given.made.fault is not None:
            continue
        where, used = (one.one.id, one.client, one.given.made.streams), one.given.usage
        count += one.used.input_tokens is not None
        assert (used.input_tokens or 0) == (one.used.input_tokens or 0), where
        assert (used.output_tokens or 0) == (one.used.output_tokens or 0), where
        if one.client in _CACHE_READ:
            assert (used.cache_read_tokens or 0) == (one.used.cache_read_tokens or 0), where
        if one.client in _CACHE_WRITE:
            assert (used.cache_write_tokens or 0) == (one.used.cache_write_tokens or 0), where
        if one.client in _REASONING:
            assert (used.reasoning_tokens or 0) == (one.used.reasoning_tokens or 0), where
    assert count > 2000


def test_where_the_network_cuts_an_answer_does_not_matter() -> None:
    """
    The client gets the same bytes.
    """
    for number, one in enumerate(answered()):
        clients = others(one.dialect)
        client = clients[number % len(clients)]
        came = one.cut_at_random()
        assert give(one, client, stream=True, came=came).body == give(one, client, stream=True).body, one.id


def test_an_answer_that_broke_off_never_looks_whole() -> None:
    """
    Of a stream that lost its second half, the client reads an error.
    """
    count, whole = 0, set()
    for number, one in enumerate(answered()):
        if not one.arrival.streamed or one.id in FAILED:
            continue
        clients = others(one.dialect)
        came = one.cut((), len(one.body) // 2)
        given = give(one, clients[number % len(clients)], stream=number % 3 > 0, came=came)
        count += 1
        if not isinstance(given.read(), Fault):
            whole.add(one.id)
    assert whole <= WHOLE_BY_HALF
    assert count > 200


# -- official types --------------------------------------------------------------------------------------------------------------------


def test_the_official_types_read_what_every_client_gets() -> None:
    """
    Whole and streamed, event by event.
    """
    for one in told():
        if one.given.made.fault is None:
            for frame in one.given.arrival.frames:
                check(one.client, frame, streamed=one.given.made.streams)


# -- the next turn ---------------------------------------------------------------------------------------------------------------------


def test_the_next_turn_goes_back_to_who_answered() -> None:
    """
    A client that sends an answer back, with what its tools gave, is understood by the provider that gave it: the same calls under ids that
    match, and the provider's own proofs of thought where the client's dialect has a place for them.
    """
    proofs: Counter[str] = Counter()
    for one in answered():
        said = read(one.dialect, one.arrival, Sent(one.target))
        if isinstance(said, Fault) or any(isinstance(part, Opaque) for part in said.candidates[0].parts) or one.id in FAILED:
            continue
        for client in others(one.dialect):
            given = give(one, client, stream=False)
            request = client.decode_request(next_turn(client, given), given.made.asked.envelope)
            encoded = one.dialect.encode_request(request, one.target)
            assert not [loss for loss in encoded.losses if loss.fatal], (one.id, client.name)
            again = one.dialect.decode_request(orjson.loads(orjson.dumps(encoded.body)), one.envelope)
            parts = list(_parts(again))
            wanted = [_call(call) for call in _calls(said.candidates[0])]
            ours = [part for part in parts if isinstance(part, ToolCall)][-len(wanted) :] if wanted else []
            assert [_call(call) for call in ours] == wanted, (one.id, client.name)
            if wanted:
                results = [part.call_id for part in parts if isinstance(part, ToolResult)][-len(wanted) :]
                assert results == [call.id for call in ours], (one.id, client.name)
            if client.name in _PROVING and one.dialect.name in _PROVING | {"anthropic-vertex"}:
                made = {part.signature for part in said.candidates[0].parts if isinstance(part, Reasoning) and part.signature}
                assert made <= {part.signature for part in parts if isinstance(part, Reasoning)}, (one.id, client.name)
                proofs[one.dialect.name] += len(made)

    assert set(proofs.elements()) == _PROVING | {"anthropic-vertex"}


_PROVING = {"openai-responses", "anthropic-messages", "gemini", "bedrock-converse"}


def next_turn(client: Dialect, given: Given) -> Any:
    """
    What a client of the dialect sends after this answer, written as its users write it.
    """
    body, answer = orjson.loads(orjson.dumps(given.made.asked.request.raw)), orjson.loads(given.body)
    match client.name:
        case "openai-responses":
            items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
            done = [
                {"type": "function_call_output", "call_id": item["call_id"], "output": "done"}
                for item in answer["output"]
                if item["type"] == "function_call"
            ]
            return {**body, "input": [*items, *answer["output"], *(done or [{"role": "user", "content": "Go on."}])]}
        case "anthropic-messages":
            done = [
                {"type": "tool_result", "tool_use_id": block["id"], "content": "done"}
                for block in answer["content"]
                if block["type"] == "tool_use"
            ]
            turns = [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": done or "Go on."}]
        case "gemini":
            turn = answer["candidates"][0]["content"]
            done = [
                {"functionResponse": {key: part["functionCall"][key] for key in ("id", "name")} | {"response": {"output": "done"}}}
                for part in turn["parts"]
                if "functionCall" in part
            ]
            return {**body, "contents": [*body["contents"], turn, {"role": "user", "parts": done or [{"text": "Go on."}]}]}
        case "bedrock-converse":
            turn = answer["output"]["message"]
            done = [
                {"toolResult": {"toolUseId": block["toolUse"]["toolUseId"], "content": [{"text": "done"}]}}
                for block in turn["content"]
                if "toolUse" in block
            ]
            turns = [turn, {"role": "user", "content": done or [{"text": "Go on."}]}]
        case _:
            turn = answer["choices"][0]["message"] if "choices" in answer else answer["message"]
            done = [
                {"role": "tool", "tool_call_id": call.get("id"), "tool_name": call["function"]["name"], "content": "done"}
                for call in turn.get("tool_calls") or ()
            ]
            turns = [turn, *(done or [{"role": "user", "content": "Go on."}])]
    return {**body, "messages": [*body["messages"], *turns]}


# -- errors ----------------------------------------------------------------------------------------------------------------------------

_KEYS = re.compile(rb"\*{3}|\bsk-|AIza|gsk_|xai-[A-Za-z0-9]{4}|[Aa]pi key:? ?(?:ID)?: (?!\[redacted\])|org-[A-Za-z0-9]{8}")
# Each family has its own for some of them.
_SAME_STATUS = {"auth": {401, 403}, "permission": {403}, "billing": {400, 402, 403, 429}, "rate": {429}, "not_found": {404}}


def test_errors_stay_what_they_are() -> None:
    """
    To every client: the same sort of error under a status that means it, in the provider's words, without fragments of keys.
    """
    count: Counter[str] = Counter()
    for one in calls():
        if one.status < 400:
            continue
        for client in others(one.dialect):
            for stream in (True, False):
                given = give(one, client, stream=stream)
                fault, where = given.made.fault, (one.id, client.name)
                assert fault is not None, where
                arrived = given.read()
                assert isinstance(arrived, Fault) and arrived.message == fault.message, where
                # To AWS, a bad key and one that may not are the same.
                assert arrived.sort == fault.sort or (fault.sort, arrived.sort) == ("auth", "permission"), where
                assert given.status in _SAME_STATUS.get(fault.sort, range(400, 600)), where
                assert (given.status < 500) == (one.status < 500), where
                assert not _KEYS.search(given.body), where
                count[fault.sort] += 1
    assert {"auth", "permission", "not_found", "bad_request", "rate", "too_large", "filter"} <= count.keys()


# -- odd ones --------------------------------------------------------------------------------------------------------------------------


def test_odd_answers_never_raise() -> None:
    """
    Cut, made by hand, or of other operations than they say: each client gets an answer or an error, and never more than the provider said.
    """
    count: Counter[str] = Counter()
    for one in bodies():
        said = read(one.dialect, one.arrival, Sent(one.target))
        for client in others(one.dialect):
            for stream in (True, False):
                given = give(one, client, stream=stream)
                arrived = given.read()
                count[type(arrived).__name__] += 1
                if isinstance(said, Answer) and isinstance(arrived, Answer):
                    assert _text(arrived.candidates[0]) == _text(said.candidates[0]), (one.id, client.name)
        broken = isinstance(said, Fault) or all(candidate.finish is Finish.BROKEN for candidate in said.candidates)
        assert broken is (given.made.fault is not None), one.id
    assert count["Answer"] > 1000 and count["Fault"] > 100
    assert count.keys() == {"Answer", "Fault"}
    assert set(DIALECTS) >= {one.dialect.name for one in bodies()}
