"""
A provider's stream of Responses events, as events of the neutral form.

Each output item is announced, filled and done, and so is each part in it; every announcement and every end says again what came between.
Imitators leave some of them out. So each event that says something whole is compared with what was given of it before, and only what is
missing is given. The last event repeats the response: it decides how it ended, and gives what was not streamed at all.

Source: OpenAI SDK 3.54 types `response_stream_event`; recorded traffic of OpenAI, Azure, xAI, DeepSeek, OpenRouter, Bedrock, LM Studio;
read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from excise.wire.dialect import Sent
from excise.wire.dialects.openai_responses.answer import call_head, created_of, decode_answer, dumped, finish_of
from excise.wire.dialects.openai_responses.items import FREE_TEXT, SERVER, read_thought
from excise.wire.events import Ended, Event, Failed, Finished, Ping, Started
from excise.wire.frame import Frame
from excise.wire.neutral import Finish, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import Sequencer, replay
from excise.wire.upstream_error import Fault, fault_of

type _Key = tuple[str, Any, int]  # sort of part, its item's place, its index there

_NO_REASON = "The provider broke off the answer and gave no reason."


@dataclass(slots=True)
class _Item:
    """
    An output item on its way.

    Attributes:
        head: As it was announced.
        kind: Of a reasoning item, whether its thought (`c`) or its summary (`s`) is given.
        paragraph: Of a reasoning item, the one that is being given.
        signature: Of a reasoning item.
        done: It is over.
    """

    head: dict[str, Any]
    kind: str | None = None
    paragraph: int | None = None
    signature: str | None = None
    done: bool = False


class StreamReader:
    """
    Reads one streamed response. Nothing it is fed makes it raise.
    """

    __slots__ = ("_called", "_id", "_items", "_last", "_line", "_over", "_refused", "_said", "_sent", "_started")

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._line = Sequencer()
        self._items: dict[Any, _Item] = {}  # by place
        self._said: dict[_Key, list[str]] = {}  # what was given of each part
        self._last: Any = 0  # place of the item spoken of last
        self._id = ""
        self._started = False
        self._called = False
        self._refused = False
        self._over = False

    def feed(self, frame: Frame) -> list[Event]:
        body = frame.json
        if self._over or type(body) is not dict:
            return []
        kind = body.get("type")
        handle = _HANDLERS.get(kind) if type(kind) is str else None
        if handle is not None:
            events = handle(self, body)
        elif kind == "keepalive":
            return [Ping()]
        elif kind == "error" or (kind is None and body.get("error")):
            return self._fail(body)
        elif kind is None and not self._started and type(body.get("output")) is list:
            self._over = True
            return replay(decode_answer(body, self._sent))
        else:
            return []
        return events if self._started or not events else self._start({}) + events

    def close(self) -> list[Event]:
        """
        What was held. A stream without its last event is broken off, whatever came before.
        """
        if self._over:
            return []
        self._over = True
        return [*self._start({}), *self._line.end_all(), Finished(Finish.BROKEN), Ended()]

    # -- the response ----------------------------------------------------------------------------------------------------------------

    def _start(self, response: dict[str, Any]) -> list[Event]:
        if self._started:
            return []
        self._started = True
        id_, model = response.get("id"), response.get("model")
        self._id = id_ if type(id_) is str else ""
        return [Started(self._id or None, model if type(model) is str else None, created_of(response))]

    def _on_created(self, body: dict[str, Any]) -> list[Event]:
        return self._start(_object(body, "response"))

    def _on_end(self, body: dict[str, Any]) -> list[Event]:
        response = _object(body, "response")
        if "status" not in response:
            response = {**response, "status": body["type"].removeprefix("response.")}
        events = self._start(response)
        output = response.get("output")
        if type(output) is list:
            events += self._unseen(output)
        events += self._line.end_all()
        finish, native = finish_of(response, called=self._called, refused=self._refused, said=bool(self._said))
        tier = response.get("service_tier")
        self._over = True
        return [*events, Finished(finish, native), Ended(service_tier=tier if type(tier) is str else None)]

    def _on_failed(self, body: dict[str, Any]) -> list[Event]:
        response = _object(body, "response")
        return self._fail({"error": response.get("error") or body.get("error")})

    def _fail(self, body: dict[str, Any]) -> list[Event]:
        self._over = True
        fault = fault_of(body) or Fault(status=502, sort="internal", message=_NO_REASON)
        return [*self._start({}), *self._line.end_all(), Failed(fault)]

    def _unseen(self, output: list[Any]) -> list[Event]:
        """
        Items of the final response which the stream announced and did not end; all of them where it announced none.
        """
        events: list[Event] = []
        places = {item.head["id"]: place for place, item in self._items.items() if _is_text(item.head.get("id"))}
        for place, item in enumerate(output):
            if type(item) is not dict:
                continue
            known = places.get(item["id"]) if _is_text(item.get("id")) else None
            if known is not None or place not in self._items:
                events += self._done(place if known is None else known, item)
        return events

    # -- items -----------------------------------------------------------------------------------------------------------------------

    def _place(self, body: dict[str, Any]) -> Any:
        """
        Which item an event speaks of: by place, else by id, else the last one.
        """
        place = body.get("output_index")
        if type(place) is not int:
            place = body.get("item_id")
            if type(place) is not str:
                place = self._last
        if place not in self._items:  # without an announcement
            self._items[place] = _Item({"id": body.get("item_id")})
        self._last = place
        return place

    def _item(self, place: Any) -> _Item:
        item = self._items.get(place)
        if item is None:
            item = self._items[place] = _Item({})
        return item

    def _on_item_added(self, body: dict[str, Any]) -> list[Event]:
        head = _object(body, "item")
        place = body.get("output_index")
        place = place if type(place) is int else head["id"] if _is_text(head.get("id")) else len(self._items)
        self._last = place
        item = self._items[place] = _Item(head)
        if head.get("type") == "reasoning":
            item.signature = _text_in(head, "encrypted_content")
        if head.get("type") in ("function_call", "custom_tool_call") and _is_text(head.get("name")):
            return self._open_call(place, head)
        return []

    def _on_item_done(self, body: dict[str, Any]) -> list[Event]:
        whole = _object(body, "item")
        place = body.get("output_index")
        if type(place) is not int:
            id_ = whole.get("id")
            place = id_ if _is_text(id_) and id_ in self._items else self._last
        return self._done(place, whole)

    def _done(self, place: Any, whole: Any) -> list[Event]:
        item = self._item(place)
        if item.done or type(whole) is not dict:
            return []
        item.done = True
        item.head = item.head if item.head.get("id") is not None else whole
        match whole.get("type"):
            case "message":
                return self._message_done(place, whole)
            case "function_call":
                return self._call_done(place, whole)
            case "custom_tool_call":
                return self._free_text_done(place, whole)
            case "reasoning":
                return self._thought_done(place, item, whole)
            case str():
                key = ("o", place, 0)
                return self._line.start(key, Opaque(kind=SERVER, vital=False, raw=whole)) + self._line.end(key)
        return []

    # -- text ------------------------------------------------------------------------------------------------------------------------

    def _on_text(self, body: dict[str, Any]) -> list[Event]:
        delta = body.get("delta")
        if type(delta) is not str or not delta:
            return []
        place, index = body.get("output_index"), body.get("content_index")
        if type(place) is int and type(index) is int and (said := self._said.get(("t", place, index))) is not None:
            said.append(delta)
            return self._line.delta(("t", place, index), delta)
        return self._more(("t", self._place(body), _index(index)), Text(text=""), delta)

    def _on_text_done(self, body: dict[str, Any]) -> list[Event]:
        return self._whole(("t", self._place(body), _index(body.get("content_index"))), Text(text=""), body.get("text"))

    def _on_refusal(self, body: dict[str, Any]) -> list[Event]:
        return self._more(("t", self._place(body), _index(body.get("content_index"))), Refusal(text=""), body.get("delta"))

    def _on_refusal_done(self, body: dict[str, Any]) -> list[Event]:
        return self._whole(("t", self._place(body), _index(body.get("content_index"))), Refusal(text=""), body.get("refusal"))

    def _on_part_done(self, body: dict[str, Any]) -> list[Event]:
        return self._content_done(self._place(body), _index(body.get("content_index")), _object(body, "part"))

    def _message_done(self, place: Any, whole: dict[str, Any]) -> list[Event]:
        content = whole.get("content")
        if type(content) is str:
            content = [{"type": "output_text", "text": content}]
        events: list[Event] = []
        parts = content if type(content) is list else []
        first = self._first("t", place, len(parts))
        for number, part in enumerate(parts):
            if type(part) is dict:
                events += self._content_done(place, first + number, part)
        for key in [key for key in self._said if key[0] == "t" and key[1] == place]:
            events += self._line.end(key)
        return events

    def _first(self, sort: str, place: Any, count: int) -> int:
        """
        The index in the stream of an item's first part: 0, but some count on from item to item.
        """
        highest = max((key[2] for key in self._said if key[0] == sort and key[1] == place), default=0)
        return max(0, highest - count + 1)

    def _content_done(self, place: Any, index: int, part: dict[str, Any]) -> list[Event]:
        match part.get("type"):
            case "refusal":
                return self._whole(("t", place, index), Refusal(text=""), part.get("refusal"))
            case "output_text" | "text":
                return self._whole(("t", place, index), Text(text=""), part.get("text"))
        return []

    def _open(self, key: _Key, part: Part, delta: str) -> list[Event]:
        """
        Begin a part with what it says first. Parts that say nothing never begin.
        """
        if type(part) is Refusal:
            self._refused = True
        self._said[key] = [delta]
        return self._line.start(key, part) + self._line.delta(key, delta)

    def _more(self, key: _Key, part: Part, delta: Any) -> list[Event]:
        if type(delta) is not str or not delta:
            return []
        said = self._said.get(key)
        if said is None:
            return self._open(key, part, delta)
        said.append(delta)
        return self._line.delta(key, delta)

    def _whole(self, key: _Key, part: Part, text: Any) -> list[Event]:
        """
        The part is over; what was not given of it is given now.
        """
        return self._rest(key, part, text) + self._line.end(key)

    def _rest(self, key: _Key, part: Part, text: Any) -> list[Event]:
        if type(text) is not str or not text:
            return []
        said = self._said.get(key)
        if said is None:
            return self._open(key, part, text)
        given = "".join(said)
        said[:] = (given,)  # joined once, compared up to three times
        if len(text) <= len(given) or not text.startswith(given):
            return []
        said[:] = (text,)
        return self._line.delta(key, text[len(given) :])

    # -- calls -----------------------------------------------------------------------------------------------------------------------

    def _open_call(self, place: Any, head: dict[str, Any]) -> list[Event]:
        key = ("c", place, 0)
        if key in self._said:
            return []
        self._said[key] = []
        if self._sent.unwrap_tool is not None and head.get("name") == self._sent.unwrap_tool:
            return self._line.start(key, Text(text=""))
        name, id_ = call_head(head, self._sent, self._id, place if type(place) is int else 0)
        self._called = True
        return self._line.start(key, ToolCall(id=id_, name=name, arguments={}, item_id=_text_in(head, "id")))

    def _on_arguments(self, body: dict[str, Any]) -> list[Event]:
        delta = body.get("delta")
        key = ("c", self._place(body), 0)
        said = self._said.get(key)
        if said is None or type(delta) is not str:
            return []  # without its announcement a call has no name: its end says all of it
        said.append(delta)
        return self._line.delta(key, delta)

    def _on_arguments_done(self, body: dict[str, Any]) -> list[Event]:
        place = self._place(body)
        key = ("c", place, 0)
        return self._rest(key, Text(text=""), body.get("arguments")) if key in self._said else []

    def _call_done(self, place: Any, whole: dict[str, Any]) -> list[Event]:
        key = ("c", place, 0)
        arguments = whole.get("arguments")
        if type(arguments) is dict:
            arguments = dumped(arguments).decode()
        return self._open_call(place, whole) + self._rest(key, Text(text=""), arguments) + self._line.end(key)

    def _free_text_done(self, place: Any, whole: dict[str, Any]) -> list[Event]:
        """
        Free text is the one argument of a function in neutral words, so its pieces are of no use: it is given whole.
        """
        key = ("c", place, 0)
        text = dumped({FREE_TEXT: _text_in(whole, "input") or ""}).decode()
        return self._open_call(place, whole) + self._rest(key, Text(text=""), text) + self._line.end(key)

    # -- thoughts --------------------------------------------------------------------------------------------------------------------

    def _on_summary(self, body: dict[str, Any]) -> list[Event]:
        return self._think(body, "s", body.get("summary_index"), body.get("delta"), whole=False)

    def _on_summary_done(self, body: dict[str, Any]) -> list[Event]:
        return self._think(body, "s", body.get("summary_index"), body.get("text"), whole=True)

    def _on_thought(self, body: dict[str, Any]) -> list[Event]:
        return self._think(body, "c", body.get("content_index"), body.get("delta"), whole=False)

    def _on_thought_done(self, body: dict[str, Any]) -> list[Event]:
        return self._think(body, "c", body.get("content_index"), body.get("text"), whole=True)

    def _think(self, body: dict[str, Any], kind: str, index: Any, text: Any, *, whole: bool) -> list[Event]:
        if type(text) is not str or not text:
            return []
        place = self._place(body)
        return self._paragraph(place, self._item(place), kind, _index(index), text, whole=whole)

    def _paragraph(self, place: Any, item: _Item, kind: str, index: int, text: str, *, whole: bool) -> list[Event]:
        """
        More of a thought. Where both the thought and its summary come, the one that comes first is given.
        """
        if item.kind is not None and item.kind != kind:
            return []
        said = self._said.get((kind, place, index))
        if whole and said is not None:
            given = "".join(said)
            if len(text) <= len(given) or not text.startswith(given):
                return []
            text = text[len(given) :]
        key = ("r", place, 0)
        events: list[Event] = []
        if item.kind is None:
            item.kind = kind
            events = self._line.start(key, Reasoning(summary=kind == "s", id=_text_in(item.head, "id")))
        if said is None:
            said = self._said[kind, place, index] = []
            if item.paragraph is not None and item.paragraph != index:
                events += self._line.delta(key, "\n\n")
        item.paragraph = index
        said.append(text)
        return events + self._line.delta(key, text)

    def _thought_done(self, place: Any, item: _Item, whole: dict[str, Any]) -> list[Event]:
        events: list[Event] = []
        for kind, field_ in (("c", "content"), ("s", "summary")):
            found = whole.get(field_)
            paragraphs = found if type(found) is list else []
            first = self._first(kind, place, len(paragraphs))
            for number, paragraph in enumerate(paragraphs):
                text = paragraph.get("text") if type(paragraph) is dict else None
                if type(text) is str and text:
                    events += self._paragraph(place, item, kind, first + number, text, whole=True)
        signature = _text_in(whole, "encrypted_content") or item.signature
        key = ("r", place, 0)
        if item.kind is not None:
            return [*events, *self._line.delta(key, "", signature), *self._line.end(key)]
        thought = read_thought({**whole, "encrypted_content": signature})
        if thought.signature is None:
            return events
        return [*events, *self._line.start(key, replace(thought, raw=whole)), *self._line.end(key)]


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    found = body.get(name)
    return found if type(found) is dict else {}


def _text_in(body: dict[str, Any], name: str) -> str | None:
    found = body.get(name)
    return found if type(found) is str and found else None


def _is_text(value: Any) -> bool:
    return type(value) is str and bool(value)


def _index(value: Any) -> int:
    return value if type(value) is int else 0


_HANDLERS: dict[str, Callable[[StreamReader, dict[str, Any]], list[Event]]] = {
    "response.output_text.delta": StreamReader._on_text,
    "response.output_text.done": StreamReader._on_text_done,
    "response.refusal.delta": StreamReader._on_refusal,
    "response.refusal.done": StreamReader._on_refusal_done,
    "response.content_part.done": StreamReader._on_part_done,
    "response.output_item.added": StreamReader._on_item_added,
    "response.output_item.done": StreamReader._on_item_done,
    "response.function_call_arguments.delta": StreamReader._on_arguments,
    "response.function_call_arguments.done": StreamReader._on_arguments_done,
    "response.reasoning_summary_text.delta": StreamReader._on_summary,
    "response.reasoning_summary_text.done": StreamReader._on_summary_done,
    "response.reasoning_text.delta": StreamReader._on_thought,
    "response.reasoning_text.done": StreamReader._on_thought_done,
    "response.created": StreamReader._on_created,
    "response.queued": StreamReader._on_created,
    "response.in_progress": StreamReader._on_created,
    "response.completed": StreamReader._on_end,
    "response.incomplete": StreamReader._on_end,
    "response.cancelled": StreamReader._on_end,
    "response.done": StreamReader._on_end,
    "response.failed": StreamReader._on_failed,
}
