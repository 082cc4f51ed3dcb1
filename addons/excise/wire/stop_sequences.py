"""
Stop sequences for targets that have none: the answer's text ends here where the first of them begins.

What the model wrote beyond is not taken back: it was made and is billed. Thoughts and arguments of calls are not searched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from excise.wire.events import Delta, Ended, Event, Failed, Finished, PartEnded, PartStarted
from excise.wire.neutral import Answer, Candidate, Finish, Text

EMULATED = (
    "the target does not stop there by itself; its answer ends where one of them comes, and what it wrote beyond is billed all the same"
)


def cut_answer(answer: Answer, stops: Iterable[str]) -> Answer:
    """
    The answer up to the first stop sequence in its text. A candidate without one stays as it is.
    """
    wanted = _told_apart(stops)
    return replace(answer, candidates=tuple(_cut(candidate, wanted) for candidate in answer.candidates)) if wanted else answer


def _cut(candidate: Candidate, stops: Sequence[str]) -> Candidate:
    for index, part in enumerate(candidate.parts):
        if isinstance(part, Text) and (found := _first(part.text, stops)) is not None:
            place, stop = found
            last = (replace(part, text=part.text[:place], citations=(), raw=None),) if place else ()
            return Candidate((*candidate.parts[:index], *last), Finish.STOP_SEQUENCE, stop_sequence=stop)
    return candidate


@dataclass(slots=True)
class _Open:
    """
    One candidate: its last letters, which may begin a stop sequence, and whether one has come.
    """

    text: bool = True  # the open part is a text; a delta without a part is one too
    held: str = ""
    over: bool = False


class StopCut:
    """
    The same of a stream. Holds back no more than a stop sequence's length, and only what may begin one.
    """

    __slots__ = ("_candidates", "_stops")

    def __init__(self, stops: Iterable[str]) -> None:
        self._stops = _told_apart(stops)
        self._candidates: dict[int, _Open] = {}

    def feed(self, events: Sequence[Event]) -> list[Event]:
        """
        The events that go out for these.
        """
        out: list[Event] = []
        for event in events:
            if isinstance(event, Delta | PartStarted | PartEnded | Finished):
                self._of_candidate(event, out)
            elif isinstance(event, Failed) and self._candidates and all(one.over for one in self._candidates.values()):
                out.append(Ended())  # what failed is what nobody waits for
            else:
                out.append(event)
        return out

    def _of_candidate(self, event: Delta | PartStarted | PartEnded | Finished, out: list[Event]) -> None:
        index = event.candidate
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Open()
        if candidate.over:
            return
        if isinstance(event, Delta):
            if candidate.text and event.text:
                self._search(event, candidate, out)
            else:
                out.append(event)
            return
        if candidate.held:
            out.append(Delta(candidate.held, index))
            candidate.held = ""
        if isinstance(event, PartStarted):
            candidate.text = isinstance(event.part, Text)
        elif isinstance(event, PartEnded):
            candidate.text = True
        out.append(event)

    def _search(self, event: Delta, candidate: _Open, out: list[Event]) -> None:
        text, index = candidate.held + event.text, event.candidate
        found = _first(text, self._stops)
        if found is None:
            keep = max(_begun(text, stop) for stop in self._stops) if self._stops else 0
            candidate.held = text[len(text) - keep :]
            text = text[: len(text) - keep]
            if text:
                out.append(Delta(text, index))
            return
        place, stop = found
        candidate.over, candidate.held = True, ""
        if place:
            out.append(Delta(text[:place], index))
        out += (PartEnded(index), Finished(Finish.STOP_SEQUENCE, stop_sequence=stop, candidate=index))


def _told_apart(stops: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stop for stop in stops if stop))


def _first(text: str, stops: Sequence[str]) -> tuple[int, str] | None:
    """
    Where the first that is complete begins, as a model that writes letter by letter stops; of several that end there, the longest.
    """
    found = [(place + len(stop), place, stop) for stop in stops if (place := text.find(stop)) >= 0]
    return min(found)[1:] if found else None


def _begun(text: str, stop: str) -> int:
    """
    How many of the text's last letters are the first of the stop sequence.
    """
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
