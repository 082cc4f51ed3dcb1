"""
What is wrong with an answer that came whole, where that can be seen without asking a model: reasons to ask another target.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from excise.routing.answer_schema import keeps
from excise.wire import neutral
from excise.wire.neutral import Candidate, Finish, Request, Text, ToolCall

_READ = 4 * 1024 * 1024  # characters; JSON beyond it is not judged
_TAIL = 4096  # characters in which an answer must have gone round
_ROUNDS = 6
_ROUND_CHARACTERS = 500  # all rounds together; a ruler of dashes and a table of noughts are shorter
_MARK = 24
_DECLINED = frozenset((Finish.REFUSAL, Finish.FILTER))


def fault_in(answer: neutral.Answer, request: Request, wanted: frozenset[str]) -> str | None:
    """
    The first fault of an answer, of those `wanted` (`policy.terms.ANSWER_FAULTS`); of several candidates, one with a fault is enough.

        refusal      the provider says that the model or its filter declined; never guessed from the text
        empty        nothing but thoughts and blanks
        broken_call  a call of a tool that was not offered, whose arguments are no JSON object or lack what its schema requires; or a model
                     that ended to call a tool and named none
        broken_json  JSON was asked for and the text is none, be it for its length
        schema       it is JSON and not of the form asked for: see `answer_schema.keeps`
        repetition   it ended going round: the same words, `_ROUNDS` times at least, up to the very end

    What the client cut itself (`max_tokens`, stop sequences) is neither empty nor a broken call; but half a JSON text is of no use to
    anyone, and a loop is a loop, however long the client let it run. A declined answer has no other fault, nor has one to be continued.

    Args:
        answer: With the names of tools as the client gave them.
        request: What the client asked.

    Linear in the answer, with small factors; nothing of it is kept. Never raises.
    """
    if not answer.candidates:
        return "empty" if "empty" in wanted else None
    return next((found for one in answer.candidates if (found := _fault(one, request, wanted)) is not None), None)


def _fault(candidate: Candidate, request: Request, wanted: frozenset[str]) -> str | None:
    if candidate.finish in _DECLINED or any(isinstance(part, neutral.Refusal) for part in candidate.parts):
        return "refusal" if "refusal" in wanted else None
    if candidate.finish is Finish.PAUSE:
        return None
    if "empty" in wanted and _empty(candidate, request):
        return "empty"
    if "broken_call" in wanted and _broken_call(candidate, request):
        return "broken_call"
    json_fault = _json_fault(candidate, request, wanted)
    if json_fault is not None:
        return json_fault
    return "repetition" if "repetition" in wanted and _goes_round(_end(candidate)) else None


def _cut_by_client(candidate: Candidate, request: Request) -> bool:
    return candidate.finish is Finish.STOP_SEQUENCE or (candidate.finish is Finish.LENGTH and request.max_tokens is not None)


def _empty(candidate: Candidate, request: Request) -> bool:
    if candidate.finish is Finish.TOOL or _cut_by_client(candidate, request):
        return False
    for part in candidate.parts:
        if isinstance(part, Text):
            if part.text and not part.text.isspace():
                return False
        elif not isinstance(part, neutral.Reasoning):
            return False
    return True


def _broken_call(candidate: Candidate, request: Request) -> bool:
    calls = [part for part in candidate.parts if isinstance(part, ToolCall)]
    if not calls:
        return candidate.finish is Finish.TOOL and all(isinstance(part, neutral.Reasoning) for part in candidate.parts)
    if _cut_by_client(candidate, request):
        return False
    offered = {tool.name: tool for tool in request.tools}
    # Tools the neutral form has no word for (a provider's own computer, shell, editor) are called by names that stand nowhere else.
    others = any(extra.field.startswith(("tool", "mcp")) for extra in request.extras)
    for call in calls:
        tool = offered.get(call.name)
        if call.arguments is None or (tool is None and not others):
            return True
        required = tool.schema.get("required") if tool is not None and tool.schema is not None else None
        if type(required) is list and any(type(name) is str and name not in call.arguments for name in required):
            return True
    return False


def _json_fault(candidate: Candidate, request: Request, wanted: frozenset[str]) -> str | None:
    form = request.output
    if form is None or ("broken_json" not in wanted and "schema" not in wanted):
        return None
    if candidate.finish is Finish.STOP_SEQUENCE or any(isinstance(part, ToolCall) for part in candidate.parts):
        return None
    said = "".join(_texts(candidate))
    if len(said) > _READ:
        return None
    try:
        value = _parsed(said, request)
    except orjson.JSONDecodeError:
        return "broken_json" if "broken_json" in wanted else None
    if candidate.finish.cut and not isinstance(value, dict | list):  # `12` of `123`
        return "broken_json" if "broken_json" in wanted else None
    if form.schema is None:
        return "broken_json" if "broken_json" in wanted and not isinstance(value, dict) else None
    return "schema" if "schema" in wanted and not keeps(value, form.schema) else None


def _parsed(said: str, request: Request) -> Any:
    """
    Raises:
        orjson.JSONDecodeError: No JSON, nor the rest of what the client began in the model's name.
    """
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError:
        last = request.turns[-1] if request.turns else None
        if last is None or last.role != "assistant":
            raise
        return orjson.loads("".join(part.text for part in last.parts if isinstance(part, Text)) + said)


def _texts(candidate: Candidate) -> Iterator[str]:
    return (part.text for part in candidate.parts if isinstance(part, Text))


def _end(candidate: Candidate) -> str:
    """
    The last `_TAIL` characters said; of an answer that ends with a call, nothing.
    """
    end = ""
    for part in reversed(candidate.parts):
        if isinstance(part, Text):
            end = part.text[-(_TAIL - len(end)) :] + end
        elif not isinstance(part, neutral.Reasoning):
            return ""
        if len(end) >= _TAIL:
            break
    return end


def _goes_round(end: str) -> bool:
    """
    Whether a text ends in the same stretch of words again and again, whole or begun once more.
    """
    if len(end) < _ROUND_CHARACTERS or end.rfind(end[-_MARK:], 0, len(end) - 1) < 0:
        return False  # nearly every answer
    # Read backwards, `edge[i]` is how much of the text's end stands again at i, so i + 1 - edge[i] is the length of one round.
    # Source: Knuth, Morris, Pratt, "Fast pattern matching in strings", 1977.
    back = end[::-1]
    edge, edges = 0, [0] * len(back)
    for at in range(1, len(back)):
        letter = back[at]
        while edge and letter != back[edge]:
            edge = edges[edge - 1]
        if letter == back[edge]:
            edge += 1
        edges[at] = edge
        if at + 1 >= _ROUND_CHARACTERS and (at + 1 - edge) * _ROUNDS <= at + 1:
            return True
    return False
