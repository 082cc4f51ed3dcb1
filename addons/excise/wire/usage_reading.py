"""
What an answer has said so far: the state every dialect's reader shares.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from excise.exchange import Call
from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_values import id_of, model_of, name_of, part

# Members whose text a model wrote, over all dialects; for answers of unforeseen form.
_TEXT_KEYS_NAMES = """
    text thinking content reasoning reasoning_content arguments partial_json generated_text response outputText generation
    completion refusal transcript partialJson summary answer output delta
"""
_TEXT_KEYS = frozenset(_TEXT_KEYS_NAMES.split())
_NODES = 20_000  # enough for any answer in one document; a bound against hostile nesting


class Reading(ABC):
    """
    One answer, read frame by frame. A subclass knows a dialect; it never raises, whatever the frames hold.

    Attributes:
        stated: Usage objects as the provider gave them, by the place they stood in; the last one of each place.
        plain, wide: Bytes of text the model wrote: ASCII, and the rest. For estimates.
        content: Something the model made was seen.
        finished: The model said that it has finished (a finish reason, a terminal event, a whole document).
        ended: Nothing can follow: the protocol's own end was seen, so a connection that breaks now breaks nothing.
        final: The usage stated is that of the whole answer, not of the part so far.
    """

    __slots__ = (
        "call",
        "content",
        "ended",
        "error_type",
        "final",
        "finish",
        "finished",
        "model",
        "plain",
        "requested",
        "response_id",
        "service_tier",
        "stated",
        "wide",
    )

    expects_end: ClassVar[bool] = True  # a stream of this dialect says when it is over
    generates: ClassVar[bool] = True  # the answer is tokens: input and output are both to be known

    def __init__(self, call: Call, requested: str | None) -> None:
        self.call = call
        self.requested = requested
        self.stated: dict[str, Any] = {}
        self.model: str | None = None
        self.response_id: str | None = None
        self.service_tier: str | None = None
        self.error_type: str | None = None
        self.finish: dict[Any, str] = {}
        self.plain = 0
        self.wide = 0
        self.content = False
        self.finished = False
        self.ended = False
        self.final = False

    @abstractmethod
    def observe(self, frame: Frame) -> bool:
        """
        Read one frame. True where it carries something the model made, as opposed to life cycle, keep-alive, usage or error.
        """

    @abstractmethod
    def usage(self) -> Usage:
        """
        What was stated so far, in disjoint parts.
        """

    @property
    def reader(self) -> Reading:
        """
        The reader that holds the facts: itself, unless it had to find out the dialect first.
        """
        return self

    @property
    def billed_model(self) -> str:
        """
        The model as far as known, lower case: the served one before the requested one; empty where nobody said.
        """
        return (self.model or self.requested or "").lower()

    def wrote(self, text: Any) -> bool:
        """
        Count text of the model. False for what is empty or no text.
        """
        if type(text) is not str or not text:
            return False
        if text.isascii():
            self.plain += len(text)
        else:
            narrow = len(text.encode("ascii", "ignore"))
            self.plain += narrow
            self.wide += len(text.encode("utf-8", "replace")) - narrow
        self.content = True
        return True

    def wrote_any(self, value: Any) -> bool:
        """
        Count text wherever it stands in a value of unforeseen form. False where there was none.
        """
        if type(value) is str:
            return self.wrote(value)
        found, stack, left = False, [value], _NODES
        while stack and left:
            left -= 1
            node = stack.pop()
            if type(node) is list:
                stack.extend(node[:left])
            elif type(node) is dict:
                for key, item in node.items():
                    if type(item) is str:
                        found = (key in _TEXT_KEYS and self.wrote(item)) or found
                    elif item:
                        stack.append(item)
        return found

    def head(self, body: dict[str, Any]) -> None:
        """
        Model, id and service tier where most dialects put them.
        """
        if self.model is None and (model := body.get("model")):
            self.model = model_of(model)
        if self.response_id is None and (found := body.get("id")):
            self.response_id = id_of(found)
        if tier := body.get("service_tier"):
            self.service_tier = name_of(tier)

    def ends_with(self, reason: Any, index: Any = 0) -> None:
        """
        Note a native finish reason; per choice, so that a repeated one counts once.
        """
        name = name_of(reason)
        if name is not None:
            self.finish[index if type(index) is int else 0] = name
            self.finished = True

    def failed_with(self, body: Any) -> bool:
        """
        Note an error, if this body is one. False where it is none.
        """
        kind = error_of(body)
        if kind is None:
            return False
        self.error_type = kind
        return True

    def cut_document(self, frame: Frame) -> bool:
        """
        A JSON document that broke off: its bytes are all we know of what the model wrote. An upper bound, as punctuation counts too.
        """
        data = frame.data
        if data and data[:1] in b"{[" and frame.json is None:
            self.plain += len(data)
            self.content = True
            return True
        return False


def error_of(body: Any) -> str | None:
    """
    Type or code of an error body, in whichever provider's form; `None` where the body is no error. Never its message.

    A code in words says most (`context_length_exceeded`), then the type, then Google's status, then a number; "error" where it is an error
    that names nothing. MiniMax, Baidu and Tencent report errors under HTTP 200, so this is asked of every answer.
    """
    if type(body) is list:  # Gemini without SSE wraps it
        body = body[0] if body else None
    if type(body) is not dict:
        return None
    error = body.get("error")
    if error and type(error) is dict:
        return _kind(error) or _kind(body) or "error"
    if error and type(error) is str:
        return _kind({key: value for key, value in body.items() if key != "type"}) or "error"
    if body.get("type") == "error" or body.get("object") == "error":
        return _kind({key: value for key, value in body.items() if value != "error"}) or "error"
    for name in ("error_type", "error_code", "err_code", "__type", "errorType"):
        if kind := name_of(body.get(name)):
            return kind
    status = part(body, "base_resp").get("status_code")
    if type(status) is int and status:
        return str(status)
    error = part(part(body, "Response"), "Error")
    if error:
        return name_of(error.get("Code")) or "error"
    if type(body.get("message")) is str and body.get("code") and "choices" not in body:  # DashScope, Voyage and others: bare
        return _kind(body)
    return None


def _kind(error: dict[str, Any]) -> str | None:
    found = [name_of(error.get(name)) for name in ("code", "type", "status", "error_type")]
    words = [name for name in found if name is not None and not name.lstrip("-").isdigit()]
    if words:
        return words[0]
    return next((name for name in found if name is not None), None)
