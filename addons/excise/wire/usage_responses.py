"""
Answers of OpenAI's Responses API, whole or streamed.

The bill stands in the terminal event, be it completed, incomplete or failed, and in the document under the same names. A background
response is answered at once with `usage: null`; whoever polls it later gets the bill, and only then does a read of a stored response count:
the others were paid for when they were made.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_openai import read_usage
from excise.wire.usage_reading import Reading
from excise.wire.usage_values import items, name_of, part

_TERMINAL = frozenset(("response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done"))
_CALLS = frozenset(("function_call", "custom_tool_call", "web_search_call", "file_search_call", "code_interpreter_call", "mcp_call"))
_UNREAD = ("output_text.done", "content_part.done", "content_part.added", "function_call_arguments.done", "response.in_progress")


class ResponsesReading(Reading):
    """
    `openai-responses`: responses, background polling, compaction.
    """

    __slots__ = ("_background", "_place", "_searches")

    def __init__(self, call: Any, requested: str | None) -> None:
        super().__init__(call, requested)
        self._place: str | None = None
        self._background = False
        self._searches = 0

    def observe(self, frame: Frame) -> bool:
        if not frame.data or (frame.event is not None and frame.event.endswith(_UNREAD)):
            return False
        body = frame.json
        if type(body) is not dict:
            if frame.data == b"[DONE]":
                self.finished = self.ended = True
                return False
            return self.failed_with(body) if body is not None else self.cut_document(frame)
        kind = body.get("type")
        if type(kind) is str and kind.startswith("response."):
            return self._event(kind, body)
        if kind == "error":
            self.failed_with(body)
            return False
        if "output" in body or body.get("object") in ("response", "response.compaction"):
            return self._document(body)
        self.failed_with(body)
        return False

    def _event(self, kind: str, body: dict[str, Any]) -> bool:
        if kind.endswith(".delta"):
            delta = body.get("delta")
            found = self.wrote(delta) if type(delta) is str else self.wrote_any(delta)
            self.content = self.content or found
            return found
        if kind == "response.output_item.added":
            item = part(body, "item").get("type")
            return type(item) is str and item in _CALLS
        if "response" in body:
            self._response(kind, part(body, "response"))
        return False

    def _response(self, kind: str, response: dict[str, Any]) -> None:
        self.head(response)
        if kind not in _TERMINAL:
            return
        self.finished = self.ended = True
        self._close(response)
        if usage := part(response, "usage"):
            self._place = kind
            self.stated[kind] = usage
            self.final = True

    def _document(self, body: dict[str, Any]) -> bool:
        self.head(body)
        self.finished = True
        self._background = body.get("background") is True
        self._close(body)
        if usage := part(body, "usage"):
            self._place = "usage"
            self.stated["usage"] = usage
            self.final = True
        output = items(body.get("output"))
        found = False
        for item in output:
            if type(item) is dict and item.get("role") != "user":
                found = self.wrote_any([item]) or found
        self.content = self.content or bool(output)
        return self.content

    def _close(self, response: dict[str, Any]) -> None:
        if tier := response.get("service_tier"):
            self.service_tier = name_of(tier)
        if response.get("background") is True:
            self._background = True
        status = response.get("status")
        if status not in ("queued", "in_progress"):
            self.ends_with(part(response, "incomplete_details").get("reason") or status)
        if response.get("status") == "failed" or response.get("error"):
            self.failed_with({"error": response.get("error") or {"code": "failed"}})
        self._searches = sum(1 for item in items(response.get("output")) if _is_search(item))

    def usage(self) -> Usage:
        if self._place is None or (self.call.operation == "responses_manage" and not self._background):
            return Usage()
        usage = read_usage(self.stated[self._place], self.call, self.billed_model)
        if usage.searches is None and self._searches:
            usage = replace(usage, searches=self._searches)
        return usage


def _is_search(item: Any) -> bool:
    """
    OpenAI charges a search, not the opening of a page it found.
    """
    if type(item) is not dict or item.get("type") != "web_search_call":
        return False
    return bool(part(item, "action").get("type", "search") == "search")
