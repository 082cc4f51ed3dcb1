"""
A provider's streamed chat answer, read.

What is expected of these streams: chunks without choices (Azure's first, the usage chunk), choices without index, thoughts and texts under
several names, whole tool calls in one delta, calls without index or all under index 0, interleaved calls, arguments as objects, a whole
answer in place of deltas, the finish reason said twice or never, errors in chunks, and no `[DONE]`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from excise.wire.dialect import Sent
from excise.wire.dialects.chat_flavours import flavour_of
from excise.wire.dialects.openai_chat.answer_reading import call_id, moment_of, text_of
from excise.wire.dialects.openai_chat.finish import finish_of, stop_sequence_of
from excise.wire.dialects.openai_chat.parts import answered_image, listed_or_none, thinking_text
from excise.wire.dialects.openai_chat.thoughts import PLAIN, Details, detail_text
from excise.wire.events import Ended, Event, Failed, Finished, PartEnded, PartStarted, Started
from excise.wire.frame import Frame
from excise.wire.json_text import json_text
from excise.wire.neutral import Finish, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import Sequencer
from excise.wire.upstream_error import fault_of, read_fault

_TEXT, _THOUGHT, _REFUSAL = Text(text=""), Reasoning(), Refusal(text="")


class _Call:
    """
    A tool call on its way. It goes out once its name is known.
    """

    __slots__ = ("given", "key", "name", "started", "waiting")

    def __init__(self, key: Hashable, given: str | None) -> None:
        self.key = key
        self.given = given
        self.name = ""
        self.started = False
        self.waiting: list[str] = []


class _Choice:
    """
    One candidate on its way.

    Attributes:
        open: The part whose deltas come without a name: `_TEXT`, `_THOUGHT` or `_REFUSAL`; `None`: none of them.
        key: Of that part.
        thought: The text of the open thought.
        blank: Blank text that waits for more.
        begun: How many calls have gone out.
        held: Text that waits until it is known whether the tool that stands for the output's schema is called; `None`: nothing waits.
    """

    __slots__ = (
        *("begun", "blank", "called", "calls", "details", "finished", "held", "index", "key", "last", "open", "refused", "said", "thought"),
        "whole",
    )

    def __init__(self, index: int, holds: bool) -> None:
        self.index = index
        self.open: Part | None = None
        self.key: Hashable = None
        self.calls: dict[Any, _Call] = {}
        self.last: _Call | None = None
        self.details = Details()
        self.thought: list[str] = []
        self.blank = ""
        self.begun = 0
        self.held: list[str] | None = [] if holds else None
        self.called = self.refused = self.said = self.whole = self.finished = False


class ChatDecoder:
    """
    Turns frames into events. Never raises.
    """

    __slots__ = ("_choices", "_id", "_numbered", "_over", "_sent", "_sequence", "_started", "_tier", "_wanted_back")

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._sequence = Sequencer()
        self._choices: dict[int, _Choice] = {}
        self._id: str | None = None
        self._tier: str | None = None
        self._numbered = 0
        self._started = self._over = False
        self._wanted_back = flavour_of(sent.target.provider, sent.target.model).wants_thoughts

    def feed(self, frame: Frame) -> list[Event]:
        data = frame.data
        if not data or self._over:
            return []
        body = frame.json
        if type(body) is not dict:
            if data.strip() == b"[DONE]":
                return self._end(done=True)
            return self._failed(frame, body) if body is not None or frame.event == "error" else []
        choices = body.get("choices")
        if type(choices) is not list or "error" in body or frame.event == "error":
            failed = self._failed(frame, body)
            if failed or type(choices) is not list:
                return failed
        events = [] if self._started else self._start(body, choices)
        for choice in choices:
            if type(choice) is dict:
                self._choice(choice, events)
        if "service_tier" in body:
            self._tier = text_of(body["service_tier"]) or self._tier
        return events

    def close(self) -> list[Event]:
        return [] if self._over else self._end(done=False)

    def _failed(self, frame: Frame, body: Any) -> list[Event]:
        fault = fault_of(body)
        if fault is None and frame.event == "error":
            fault = read_fault("openai-chat", 0, {}, body)
        if fault is None:
            return []
        self._over = True
        return [Failed(fault)]

    def _start(self, body: dict[str, Any], choices: list[Any]) -> list[Event]:
        self._id = text_of(body.get("id"))
        if self._id is None and not choices:
            return []  # Azure's first chunk knows nothing yet
        self._started = True
        return [Started(self._id, text_of(body.get("model")), moment_of(body.get("created")))]

    # -- one choice --------------------------------------------------------------------------------------------------------------------

    def _choice(self, choice: dict[str, Any], events: list[Event]) -> None:
        index = choice.get("index")
        if type(index) is not int:
            index = 0
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _Choice(index, self._sent.unwrap_tool is not None)
        if state.finished:
            return
        delta = choice.get("delta")
        if type(delta) is dict:
            self._delta(state, delta, events)
        if "message" in choice and not state.said:
            message = choice["message"]
            if type(message) is dict:
                state.whole = type(delta) is not dict
                self._delta(state, message, events)
        elif type(delta) is not dict and type(choice.get("text")) is str:
            self._delta(state, {"content": choice["text"]}, events)
        word = choice.get("finish_reason")
        if word or choice.get("error"):
            self._finish(state, choice, None if choice.get("error") else word, events)

    def _delta(self, state: _Choice, delta: dict[str, Any], events: list[Event]) -> None:
        content = delta.get("content")
        if len(delta) > 1 or type(content) is not str:
            self._thoughts(state, delta, events)
        if content:
            if type(content) is str:
                self._text(state, content, events)
            else:
                self._listed(state, listed_or_none(content), events)
        if len(delta) > 1 or not content:
            self._rest(state, delta, events)

    def _text(self, state: _Choice, text: str, events: list[Event]) -> None:
        state.said = True
        if state.held is not None:
            state.held.append(text)
            return
        if state.open is not _TEXT:
            if text.isspace():
                state.blank += text  # some models write it between calls; it is text only if more follows
                return
            self._open(state, _TEXT, events)
            if state.blank:
                text, state.blank = state.blank + text, ""
        events += self._sequence.delta(state.key, text)

    def _open(self, state: _Choice, part: Part, events: list[Event]) -> None:
        if state.open is not None:
            self._close(state, events)
        state.open = part
        self._numbered += 1
        state.key = self._numbered
        events += self._sequence.start(state.key, part, state.index)

    def _close(self, state: _Choice, events: list[Event]) -> None:
        """
        End the part that is open; a thought gets its proof.
        """
        if state.open is _THOUGHT:
            proof = state.details.take("".join(state.thought)) if state.details else None
            if proof is None and self._wanted_back:
                proof = PLAIN
            state.thought.clear()
            if proof is not None:
                events += self._sequence.delta(state.key, "", proof)
        events += self._sequence.end(state.key)
        state.open = None

    def _thoughts(self, state: _Choice, delta: dict[str, Any], events: list[Event]) -> None:
        said = delta.get("reasoning_content") or delta.get("reasoning")
        details = delta.get("reasoning_details")
        if details:
            state.details.feed(details)
            if not said:
                said = "".join(detail_text(detail) for detail in listed_or_none(details))
        if said and type(said) is str:
            self._thought(state, said, events)

    def _thought(self, state: _Choice, said: str, events: list[Event]) -> None:
        state.said = True
        if state.open is not _THOUGHT:
            self._open(state, _THOUGHT, events)
        if state.details:
            state.thought.append(said)
        events += self._sequence.delta(state.key, said)

    def _listed(self, state: _Choice, content: list[Any], events: list[Event]) -> None:
        for part in content:
            if type(part) is str:
                self._text(state, part, events)
            elif type(part) is not dict:
                continue
            elif part.get("type") == "thinking":
                if said := thinking_text(part):
                    self._thought(state, said, events)
                if state.open is _THOUGHT and (signature := text_of(part.get("signature"))) is not None:
                    events += self._sequence.delta(state.key, "", signature)
            elif part.get("type") == "reasoning":
                for piece in listed_or_none(part.get("summary")):
                    if said := detail_text(piece):
                        self._thought(state, said, events)
            elif type(part.get("text")) is str and part["text"]:
                self._text(state, part["text"], events)

    def _rest(self, state: _Choice, delta: dict[str, Any], events: list[Event]) -> None:
        """
        Whatever a delta holds besides texts and thoughts.
        """
        refusal = delta.get("refusal")
        if refusal and type(refusal) is str:
            state.said = state.refused = True
            if state.open is not _REFUSAL:
                self._open(state, _REFUSAL, events)
            events += self._sequence.delta(state.key, refusal)
        audio = delta.get("audio")
        if type(audio) is dict and (said := text_of(audio.get("transcript"))) is not None:
            self._text(state, said, events)
        for part in listed_or_none(delta.get("images")):
            if (image := answered_image(part)) is not None:
                state.said = True
                self._whole_part(state, image, events)
        for call in listed_or_none(delta.get("tool_calls")):
            if type(call) is dict:
                self._call(state, call, events)
        old = delta.get("function_call")
        if type(old) is dict:
            self._call(state, {"index": -1, "function": old}, events)

    def _whole_part(self, state: _Choice, part: Part, events: list[Event]) -> None:
        if state.open is not None:
            self._close(state, events)
        self._numbered += 1
        events += self._sequence.start(self._numbered, part, state.index)
        events += self._sequence.end(self._numbered)

    # -- calls -------------------------------------------------------------------------------------------------------------------------

    def _call(self, state: _Choice, given: dict[str, Any], events: list[Event]) -> None:
        function = given.get("function")
        arguments = None
        if type(function) is dict:
            arguments = function.get("arguments")
        elif type(function := given.get("custom")) is dict:
            arguments = function.get("input")
        else:
            function = {}
        name = text_of(function.get("name"))
        call = self._call_of(state, given, name)
        if name is not None and not call.started:
            call.name = name
            self._begin(state, call, events)
        if arguments:
            text = arguments if type(arguments) is str else json_text(arguments)
            if call.started:
                events += self._sequence.delta(call.key, text)
            else:
                call.waiting.append(text)

    def _call_of(self, state: _Choice, given: dict[str, Any], name: str | None) -> _Call:
        """
        The call a delta belongs to: by index, by id, else the last one, unless it names a tool.
        """
        id_, index = text_of(given.get("id")), given.get("index")
        call: _Call | None
        if type(index) is int:
            call = state.calls.get(index)
            if call is not None and name and id_ and call.given is not None and call.given != id_:
                call = None  # another call under the same index
            place: Any = index
        elif id_ is not None:
            call = state.calls.get(id_)
            place = id_
        else:
            call = None if name else state.last
            place = None
        if call is None:
            self._numbered += 1
            call = _Call(self._numbered, id_)
            if place is not None:
                state.calls[place] = call
        if call.given is None:
            call.given = id_
        state.last = call
        return call

    def _begin(self, state: _Choice, call: _Call, events: list[Event]) -> None:
        call.started = True
        number, state.begun = state.begun, state.begun + 1
        if call.name == self._sent.unwrap_tool:
            state.said = True
            state.held = None if state.held is None else []
            if state.open is not None:
                self._close(state, events)
            events += self._sequence.start(call.key, _TEXT, state.index)
        else:
            self._let_go(state, events)
            if state.open is not None:
                self._close(state, events)
            seed = self._id or "answer"
            id_ = call_id(call.given, seed if state.index == 0 else f"{seed}/{state.index}", number)
            name = self._sent.tool_names.get(call.name, call.name)
            state.called = True
            events += self._sequence.start(call.key, ToolCall(id=id_, name=name, arguments={}), state.index)
        for text in call.waiting:
            events += self._sequence.delta(call.key, text)
        call.waiting.clear()

    def _let_go(self, state: _Choice, events: list[Event]) -> None:
        """
        Give out the text that waited.
        """
        held, state.held = state.held, None
        for text in held or ():
            self._text(state, text, events)

    # -- ends --------------------------------------------------------------------------------------------------------------------------

    def _finish(self, state: _Choice, choice: dict[str, Any], word: Any, events: list[Event], *, whole: bool = True) -> None:
        self._let_go(state, events)
        if state.blank and not state.called:
            self._open(state, _TEXT, events)
            events += self._sequence.delta(state.key, state.blank)
        if state.open is not None:
            self._close(state, events)
        events += self._sequence.end_all(state.index)
        if state.details and (proof := state.details.take("")) is not None:
            # A proof that came after what it proves.
            events += (PartStarted(Reasoning(signature=proof, redacted=True), state.index), PartEnded(state.index))
        state.finished = True
        said = state.said or state.called
        finish = finish_of(word, called=state.called, refused=state.refused, said=said)
        if not whole or choice.get("error"):
            finish = Finish.BROKEN
        sequence = stop_sequence_of(choice, finish)
        events.append(Finished(Finish.STOP_SEQUENCE if sequence else finish, text_of(word), sequence, state.index))

    def _end(self, *, done: bool) -> list[Event]:
        self._over = True
        events: list[Event] = [] if self._started else [Started(self._id)]
        if not self._choices:
            self._choices[0] = _Choice(0, holds=False)
        for state in self._choices.values():
            if not state.finished:
                self._finish(state, {}, None, events, whole=done or state.whole)
        events.append(Ended(None, self._tier))
        return events
