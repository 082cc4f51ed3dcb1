"""
Which strings of a frame go on with a channel, in every dialect's streams, and which channels a frame ends.

A frame's shape tells its dialect: the shapes share no names. What is not a piece of a channel is restored by itself (see `whole`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from excise.privacy.restore.places import Path
from excise.wire.usage_values import items, part

Channel = tuple[Any, ...]
ALL: Channel = ()  # the beginning of every channel's name


class Piece(NamedTuple):
    """
    A string of a frame that goes on with a channel.

    Attributes:
        channel: Name of the channel.
        path: Where the string stands in the frame.
        text: The string.
        certain: The channel's text is meant to be JSON: arguments of a call.
        final: The channel ends with this piece.
    """

    channel: Channel
    path: Path
    text: str
    certain: bool = False
    final: bool = False


class Sight(NamedTuple):
    """
    What a frame is made of, as far as channels go.

    Attributes:
        pieces: In order.
        ends: Beginnings of names: every channel that begins so has ended, with this frame's piece of it or before the frame.
        untouched: Paths of strings and objects that are never restored: they are signed, or will be.
        signed: Pieces of channels in `untouched`, or of such as go back to the provider as they are. They may be read.
    """

    pieces: list[Piece]
    ends: list[Channel]
    untouched: tuple[Path, ...] = ()
    signed: Sequence[Piece] = ()


_NOTHING = Sight([], [])


class Channels:
    """
    Reads the frames of one stream. What an upstream sends never makes it raise.
    """

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[Channel, Any] = {}  # id of the call a tool index stands for at present

    def read(self, body: dict[str, Any], event: str | None) -> Sight:
        """
        Args:
            body: The frame's document.
            event: Name of the event, where the framing has one.
        """
        kind = body.get("type")
        if type(body.get("choices")) is list:
            return self._chat(body["choices"])
        if type(kind) is str:
            if kind.startswith(("response.", "transcript.")):
                return _responses(kind, body)
            if (reader := _TYPES.get(kind)) is not None:
                return reader(kind, body)
        if type(body.get("candidates")) is list:
            return _gemini((), body["candidates"])
        if type(inner := body.get("response")) is dict and type(inner.get("candidates")) is list:
            return _gemini(("response",), inner["candidates"])
        named = event if event in _CONVERSE else next((name for name in _CONVERSE if name in body), None)
        if named is not None:
            return _converse(named, body)
        kind = body.get("event_type")
        if type(kind) is str:
            return _interaction(kind, body) if "." in kind else _cohere_v1(kind, body)
        if "done" in body and type(body["done"]) is bool:
            return _ollama(body)
        kind = body.get("object") if event is None else event
        if type(kind) is str and kind.startswith("thread."):
            return _assistant(body)
        return _flat(body)

    def _chat(self, choices: list[Any]) -> Sight:
        pieces: list[Piece] = []
        ends: list[Channel] = []
        signed: list[Piece] = []
        for at, choice in enumerate(choices):
            if type(choice) is not dict:
                continue
            index = choice.get("index")
            index = index if type(index) is int else at
            if choice.get("finish_reason"):
                ends.append((index,))
            if type(choice.get("text")) is str and "message" not in choice:
                pieces.append(Piece((index, "text"), ("choices", at, "text"), choice["text"]))
            delta = choice.get("delta")
            if type(delta) is dict:
                self._delta(index, ("choices", at, "delta"), delta, pieces, ends)
                if "reasoning_details" in delta:
                    signed += _details((index, "details"), ("choices", at, "delta", "reasoning_details"), delta["reasoning_details"])
        return Sight(pieces, ends, (), signed)

    def _delta(self, index: int, path: Path, delta: dict[str, Any], pieces: list[Piece], ends: list[Channel]) -> None:
        for key, value in delta.items():
            if type(value) is str:
                if key not in ("role", "name", "id", "channel", "type"):
                    pieces.append(Piece((index, key), (*path, key), value))
            elif key == "content" and type(value) is list:
                pieces += _parts((index, "content"), (*path, key), value)
            elif key == "tool_calls":
                for at, call in enumerate(items(value)):
                    if type(call) is dict and type(call.get("index")) is int:
                        self._call((index, "tool", call["index"]), (*path, key, at), call, pieces, ends)
            elif key == "function_call" and type(arguments := part(delta, key).get("arguments")) is str:
                pieces.append(Piece((index, key), (*path, key, "arguments"), arguments, certain=True))
            elif key == "audio" and type(transcript := part(delta, key).get("transcript")) is str:
                pieces.append(Piece((index, key), (*path, key, "transcript"), transcript))

    def _call(self, name: Channel, path: Path, call: dict[str, Any], pieces: list[Piece], ends: list[Channel]) -> None:
        # Some providers give every call of an answer the index 0: another id is another call.
        known = self._calls.get(name)
        if (said := call.get("id")) and said != known:
            if known is not None:
                ends.append((*name, known))
            self._calls[name] = known = said
        for kind, key in (("function", "arguments"), ("custom", "input")):
            if type(text := part(call, kind).get(key)) is str:
                pieces.append(Piece((*name, known), (*path, kind, key), text, certain=kind == "function"))


def _parts(name: Channel, path: Path, parts: list[Any]) -> Iterator[Piece]:
    """
    Content in parts, as Mistral and Databricks send it; of signed ones nothing.
    """
    for at, one in enumerate(parts):
        if type(one) is not dict or one.get("signature"):
            continue
        for key in ("text", "thinking", "summary"):
            if type(text := one.get(key)) is str:
                yield Piece((*name, key), (*path, at, key), text)
            elif type(text) is list and key != "text":
                yield from (piece._replace(channel=(*name, key)) for piece in _parts(name, (*path, at, key), text))


def _details(name: Channel, path: Path, details: Any) -> Iterator[Piece]:
    """
    OpenRouter's reasoning beside the plain one, which is sent back with its signatures.
    """
    for at, one in enumerate(items(details)):
        for key in ("text", "summary"):
            if type(one) is dict and type(text := one.get(key)) is str:
                yield Piece((*name, one.get("index"), key), (*path, at, key), text)


def _responses(kind: str, body: dict[str, Any]) -> Sight:
    item = (body.get("output_index"), body.get("item_id"))
    delta = body.get("delta")
    if kind.endswith(".delta"):
        if type(delta) is not str or kind.endswith("audio.delta"):
            return _NOTHING
        name = (*item, kind, body.get("content_index"), body.get("summary_index"))
        return Sight([Piece(name, ("delta",), delta, certain="arguments" in kind)], [])
    if kind in ("response.in_progress", "response.output_text.annotation.added"):
        return _NOTHING
    return Sight([], [item[:1] if item[0] is not None else ALL])


def _anthropic(kind: str, body: dict[str, Any]) -> Sight:
    index = body.get("index")
    if kind == "content_block_delta":
        delta = part(body, "delta")
        pieces = [
            Piece((index, key), ("delta", key), text, certain=key == "partial_json")
            for key in ("text", "partial_json", "content")
            if type(text := delta.get(key)) is str
        ]
        if type(thinking := delta.get("thinking")) is str:
            return Sight(pieces, [], (("delta", "thinking"),), (Piece((index, "thinking"), ("delta", "thinking"), thinking),))
        return Sight(pieces, [(index, "thinking")] if "signature" in delta else [])
    if kind == "content_block_start":
        block = part(body, "content_block")
        text = block.get("text")
        pieces = [Piece((index, "text"), ("content_block", "text"), text)] if type(text) is str else []
        signed = block.get("type") in ("thinking", "redacted_thinking")
        return Sight(pieces, [], (("content_block",),) if signed else ())
    if kind == "content_block_stop":
        return Sight([], [(index,)])
    if kind == "completion":
        text, final = body.get("completion"), bool(body.get("stop_reason"))
        return Sight([Piece((0, kind), (kind,), text)] if type(text) is str else [], [ALL] if final else [])
    return Sight([], [] if kind == "ping" else [ALL])


def _cohere_v2(kind: str, body: dict[str, Any]) -> Sight:
    index = body.get("index")
    place: Path = ("delta", "message")
    message = part(part(body, "delta"), "message")
    if kind in ("content-start", "content-delta"):
        content = part(message, "content")
        pieces = [
            Piece(("content", index, key), (*place, "content", key), text)
            for key in ("text", "thinking")
            if type(text := content.get(key)) is str
        ]
        return Sight(pieces, [("plan",)])
    if kind == "tool-plan-delta":
        text = message.get("tool_plan")
        return Sight([Piece(("plan",), (*place, "tool_plan"), text)] if type(text) is str else [], [])
    if kind in ("tool-call-start", "tool-call-delta"):
        text = part(part(message, "tool_calls"), "function").get("arguments")
        path = (*place, "tool_calls", "function", "arguments")
        return Sight([Piece(("tool", index), path, text, certain=True)] if type(text) is str else [], [("plan",)])
    if kind in ("content-end", "tool-call-end"):
        return Sight([], [("content" if kind == "content-end" else "tool", index)])
    return Sight([], [ALL] if kind == "message-end" else [])


def _cohere_v1(kind: str, body: dict[str, Any]) -> Sight:
    pieces = []
    if kind in ("text-generation", "tool-calls-chunk") and type(text := body.get("text")) is str:
        pieces.append(Piece(("text",), ("text",), text))
    call = part(body, "tool_call_delta")
    if type(text := call.get("parameters")) is str:
        pieces.append(Piece(("tool", call.get("index")), ("tool_call_delta", "parameters"), text, certain=True))
    over = kind in ("stream-end", "tool-calls-generation") or body.get("is_finished") is True
    return Sight(pieces, [ALL] if over else [])


def _gemini(path: Path, candidates: list[Any]) -> Sight:
    sight = Sight([], [])
    for at, candidate in enumerate(candidates):
        if type(candidate) is dict:
            index = candidate.get("index")
            _candidate(index if type(index) is int else at, (*path, "candidates", at), candidate, sight)
    return sight


def _candidate(index: int, path: Path, candidate: dict[str, Any], sight: Sight) -> None:
    pieces, ends = sight.pieces, sight.ends
    last: Channel | None = None  # parts keep their order: another kind of part ends the text before it
    for at, one in enumerate(items(part(candidate, "content").get("parts"))):
        if type(one) is not dict:
            continue
        here = (*path, "content", "parts", at)
        kind = "thought" if one.get("thought") else "text"
        text = one.get("text")
        if type(text) is str and not (one.get("thoughtSignature") and (not text or kind == "thought")):
            name: Channel = (index, kind)
            pieces.append(Piece(name, (*here, "text"), text))
        else:
            name = (index, "call")
            pieces.extend(_partial_arguments(index, here, part(one, "functionCall")))
        if last is not None and last != name:
            _end_last(pieces, last)
        last = name
    if last is not None:
        ends.extend((index, kind) for kind in ("text", "thought") if (index, kind) != last)
    if candidate.get("finishReason"):
        ends.append((index,))


def _end_last(pieces: list[Piece], name: Channel) -> None:
    for at in range(len(pieces) - 1, -1, -1):
        if pieces[at].channel == name:
            pieces[at] = pieces[at]._replace(final=True)
            return


def _partial_arguments(index: int, path: Path, call: dict[str, Any]) -> Iterator[Piece]:
    for at, one in enumerate(items(call.get("partialArgs"))):
        if type(one) is dict and type(text := one.get("stringValue")) is str:
            name = (index, "call", one.get("jsonPath"))
            yield Piece(name, (*path, "functionCall", "partialArgs", at, "stringValue"), text, final=not one.get("willContinue"))


def _interaction(kind: str, body: dict[str, Any]) -> Sight:
    index = body.get("index")
    if kind not in ("step.delta", "content.delta"):
        return Sight([], [(index,) if kind in ("step.stop", "content.stop") else ALL] if kind != "interaction.status_update" else [])
    delta = part(body, "delta")
    pieces = [
        Piece((index, key), ("delta", key), text, certain=key == "arguments")
        for key in ("text", "arguments", "partial_arguments")
        if type(text := delta.get(key)) is str
    ]
    if type(text := part(delta, "content").get("text")) is str:
        pieces.append(Piece((index, "content"), ("delta", "content", "text"), text))
    return Sight(pieces, [])


_CONVERSE = ("contentBlockDelta", "contentBlockStop", "contentBlockStart", "messageStart", "messageStop")


def _converse(event: str, body: dict[str, Any]) -> Sight:
    path: Path = (event,) if type(body.get(event)) is dict else ()
    body = part(body, event) if path else body
    index = body.get("contentBlockIndex")
    if event == "contentBlockStop":
        return Sight([], [(index,)])
    if event == "messageStop":
        return Sight([], [ALL])
    delta = part(body, "delta")
    pieces = []
    if type(text := delta.get("text")) is str:
        pieces.append(Piece((index, "text"), (*path, "delta", "text"), text))
    if type(text := part(delta, "toolUse").get("input")) is str:
        pieces.append(Piece((index, "input"), (*path, "delta", "toolUse", "input"), text, certain=True))
    reasoning: Path = (*path, "delta", "reasoningContent")
    if type(text := part(delta, "reasoningContent").get("text")) is str:
        return Sight(pieces, [], (reasoning,), (Piece((index, "reasoning"), (*reasoning, "text"), text),))
    return Sight(pieces, [(index, "reasoning")], (reasoning,))


def _ollama(body: dict[str, Any]) -> Sight:
    message = part(body, "message")
    pieces = [Piece((key,), ("message", key), text) for key in ("content", "thinking") if type(text := message.get(key)) is str]
    pieces += [Piece((key,), (key,), text) for key in ("response", "thinking") if type(text := body.get(key)) is str]
    return Sight(pieces, [ALL] if body["done"] else [])


def _assistant(body: dict[str, Any]) -> Sight:
    about, delta = body.get("id"), body.get("delta")
    if type(delta) is not dict:
        return Sight([], [(about,) if about is not None else ALL])
    pieces = []
    for at, one in enumerate(items(delta.get("content"))):
        if type(one) is dict and type(text := part(one, "text").get("value")) is str:
            pieces.append(Piece((about, one.get("index")), ("delta", "content", at, "text", "value"), text))
    for at, call in enumerate(items(part(delta, "step_details").get("tool_calls"))):
        for kind, key in (("function", "arguments"), ("code_interpreter", "input")):
            if type(call) is dict and type(text := part(call, kind).get(key)) is str:
                path = ("delta", "step_details", "tool_calls", at, kind, key)
                pieces.append(Piece((about, call.get("index"), kind), path, text, certain=kind == "function"))
    return Sight(pieces, [])


_ENDS = ("stop_reason", "completionReason", "is_finished", "generated_text", "details", "error")


def _flat(body: dict[str, Any]) -> Sight:
    """
    One piece of text beside a few fields: Llama and Titan on Bedrock, text-generation-inference.
    """
    pieces = [Piece((key,), (key,), text) for key in ("generation", "outputText", "completion") if type(text := body.get(key)) is str]
    if type(text := part(body, "token").get("text")) is str:
        pieces.append(Piece(("token",), ("token", "text"), text))
    over = any(body.get(name) for name in _ENDS)
    return Sight(pieces, [ALL] if over or not pieces else [])


_ANTHROPIC = "message_start ping content_block_start content_block_delta content_block_stop message_delta message_stop error completion"
_COHERE = """
    message-start content-start content-delta content-end tool-plan-delta tool-call-start tool-call-delta tool-call-end citation-start
    citation-end message-end
"""
_TYPES: dict[str, Callable[[str, dict[str, Any]], Sight]] = {
    **dict.fromkeys(_ANTHROPIC.split(), _anthropic),
    **dict.fromkeys(_COHERE.split(), _cohere_v2),
}
