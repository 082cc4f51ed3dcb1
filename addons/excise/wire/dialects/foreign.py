"""
What a request holds that a plain dialect has no field for: said in text, imitated by an instruction, or noted as lost.

For dialects whose requests are messages and a few settings (Cohere, Ollama). None of it is needed where a dialect writes its own
requests back.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from excise.wire.dialect import Traits
from excise.wire.json_text import json_text
from excise.wire.loss import Losses
from excise.wire.neutral import Blob, Document, Json, OutputFormat, Request, Text, ToolResult, Turn

_ABSENT: Any = object()


def own_words(raw: Mapping[str, Json], before: Mapping[str, Json], now: Mapping[str, Json]) -> dict[str, Json]:
    """
    A request in the words it came in, except where it was changed since.

    Args:
        raw: As the client wrote it.
        before: The settings we would write for it as it came.
        now: The settings we would write for it as it is.
    """
    kept = {key: value for key, value in raw.items() if key in now or key not in before}
    return kept | {key: value for key, value in now.items() if before.get(key, _ABSENT) != value}


# -- settings --------------------------------------------------------------------------------------------------------------------------


def leave_out(request: Request, losses: Losses) -> None:
    """
    Note what no plain dialect can carry: several candidates, log probabilities, names of the app's users, tiers, cache marks and keys,
    and whatever only the source's provider understands.
    """
    if request.candidates is not None and request.candidates > 1:
        losses.impossible("candidates", "the target gives one answer a request; ask several times instead")
    if request.logprobs is not None:
        losses.impossible("logprobs", "log probabilities are not translated; ask a model that speaks the client's own dialect")
    if request.parallel_tools is False:
        losses.dropped("parallel_tools", "the target cannot be kept from calling several tools at once")
    if request.user is not None:
        losses.dropped("user", "the target takes no name of the app's user")
    if request.metadata:
        losses.dropped("metadata", "the target takes no metadata")
    if request.service_tier not in (None, "auto", "default", "standard", "standard_only"):
        losses.dropped("service_tier", "the target has no tiers of service")
    if request.cache_key is not None:
        losses.dropped("cache_key", "the target has no keys for its prompt cache")
    if request.verbosity is not None:
        losses.dropped("verbosity", "the target cannot be told how much to say")
    if any(part.cache for turn in request.turns for part in turn.parts) or any(tool.cache for tool in request.tools):
        losses.dropped("cache", "the target caches by itself, without marks")
    for extra in request.extras:
        if extra.vital:
            losses.impossible(extra.field, extra.why)
        else:
            losses.dropped(extra.field, extra.why)


def most_tokens(request: Request, traits: Traits, losses: Losses) -> int | None:
    """
    The limit of the answer, within what the model can write.
    """
    most = traits.max_output_tokens
    if request.max_tokens is None or most is None or request.max_tokens <= most:
        return request.max_tokens
    losses.clamped("max_tokens", "the target's model writes less than that at most")
    return most


# -- content ---------------------------------------------------------------------------------------------------------------------------


def document_text(document: Document, losses: Losses) -> str | None:
    """
    A document as text for a target that takes text only; `None`, and impossible, where it is not plain text.
    """
    source = document.source
    if not isinstance(source, Blob) or not source.media_type.startswith("text/"):
        losses.impossible("document", "the target takes documents as text only; send the document's text")
        return None
    try:
        text = base64.b64decode(source.data, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        losses.impossible("document", "the document's text is not UTF-8 in base64")
        return None
    losses.changed("document", "the target takes no documents of this form; the document's text stands in the message")
    if document.citations:
        losses.dropped("citations", "the target does not cite documents given as text")
    return "\n\n".join(piece for piece in (document.title, document.context, text) if piece)


def result_text(result: ToolResult, losses: Losses) -> str:
    """
    What a tool gave, as text.
    """
    pieces = [part.text for part in result.parts if isinstance(part, Text)]
    if result.value is not None:
        pieces.append(json_text(result.value))
    text = "\n".join(pieces)
    if not result.is_error:
        return text
    losses.changed("tool_result.is_error", "the target's tool results have no mark for errors; the text says that it is one")
    return f"Error: {text}"


def system_in_words(turns: Sequence[Turn], losses: Losses) -> tuple[Turn, ...]:
    """
    The conversation with system text that is text only; what is none follows in a turn of the user.
    """
    apart: list[Turn] = []
    for turn in turns:
        said = tuple(part for part in turn.parts if isinstance(part, Text))
        if turn.role != "system" or len(said) == len(turn.parts):
            apart.append(turn)
            continue
        losses.changed("system.parts", "the target's system text is text only; the rest was given to the user")
        apart += [replace(turn, parts=said, raw=None)] if said else []
        apart.append(Turn("user", tuple(part for part in turn.parts if not isinstance(part, Text))))
    return tuple(apart)


# -- imitations ------------------------------------------------------------------------------------------------------------------------


def with_instruction(turns: Sequence[Turn], text: str) -> tuple[Turn, ...]:
    """
    The conversation with one more system text: behind those at its head.
    """
    part = Text(text=text)
    if turns and turns[0].role == "system":
        return (replace(turns[0], parts=(*turns[0].parts, part), raw=None), *turns[1:])
    return (Turn("system", (part,)), *turns)


def output_instruction(output: OutputFormat) -> str:
    """
    An output format as an instruction.
    """
    if output.schema is None:
        return "Answer with a JSON object only: no other text before or after it, no code fence."
    what = f" It is: {output.description}" if output.description else ""
    schema = json_text(output.schema)
    return f"Give your final answer as JSON that fits the schema below: no other text before or after it, no code fence.{what}\n{schema}"
