"""
Which task: what structure says, and what the user's words say, weighed against each other.

    structure   tools used or offered, a schema, the form of the material
    words       the first verb of a task leads; what follows it counts less, as "write a function that summarises" is code
    context     the system text and earlier turns, where the latest words leave it open

Weights are set by hand on `tests/fixtures/profile/tuned*.yml`; only their proportions mean something.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from excise.routing.profile import Task
from excise.routing.profiling.lexicon import Hit, folded, hits_in
from excise.routing.profiling.reading import Reading
from excise.routing.profiling.shapes import shapes_of, without_fences
from excise.wire.neutral import Request

# Groups of words that name a task by themselves: task, weight. Of these the first one leads.
_VERBS: Final[dict[str, tuple[Task, float]]] = {
    "translate": (Task.TRANSLATION, 3.0),
    "summarise": (Task.SUMMARISATION, 3.0),
    "compact": (Task.SUMMARISATION, 8.0),
    "extract": (Task.EXTRACTION, 2.6),
    "program": (Task.CODE, 2.6),
    "analyse": (Task.ANALYSIS, 2.2),
    "edit": (Task.CONVERSATION, 2.0),
    "talk": (Task.CONVERSATION, 2.0),
    "ask": (Task.CONVERSATION, 1.2),
}
# Words of what is worked on: task, weight each, most of all together.
_THINGS: Final[dict[str, tuple[Task, float, float]]] = {
    "code": (Task.CODE, 1.2, 2.4),
    "craft": (Task.CODE, 0.7, 2.1),
    "lang": (Task.CODE, 1.4, 2.8),
    "data": (Task.ANALYSIS, 0.8, 2.4),
    "fields": (Task.EXTRACTION, 0.7, 1.4),
}
_FORMS: Final[dict[str, tuple[Task, float]]] = {
    "fence": (Task.CODE, 0.8),
    "diff": (Task.CODE, 1.6),
    "stack_trace": (Task.CODE, 2.6),
    "code": (Task.CODE, 1.6),
    "sql": (Task.CODE, 1.6),
    "inline_code": (Task.CODE, 1.0),
    "table": (Task.ANALYSIS, 1.4),
    "csv": (Task.ANALYSIS, 1.4),
    "log": (Task.ANALYSIS, 0.6),
    "numbers": (Task.ANALYSIS, 0.9),
    "maths": (Task.ANALYSIS, 0.6),
    "json": (Task.EXTRACTION, 0.4),
}
_AGENT, _OFFERED, _FORM, _SCHEMA, _OBJECT, _HARNESS = 5.5, 3.8, 3.0, 1.8, 1.0, 2.0  # what structure weighs
_TEXT_TASKS: Final = frozenset((Task.TRANSLATION, Task.SUMMARISATION, Task.EXTRACTION))
_CODE_WORDS: Final = frozenset(("code", "craft"))
# Shares of a verb's weight: the first of all, others, repeats, inside of code that is to be made.
_LEAD, _FOLLOWING, _AGAIN, _WITHIN_MADE = 1.4, 0.6, 0.4, 0.25
# Shares left of: "what is" about code, words and forms of what is only worked on, words where no instruction stands.
_TECHNICAL_ASK, _MATERIAL_WORD, _MATERIAL_FORM, _ELSEWHERE = 0.3, 0.4, 0.3, 0.3
_QUESTION, _OPENER, _VOICE, _TECHNICAL_QUESTION = 1.0, 1.0, 1.0, 0.2  # a question mark at the end, a question word at the start
_INSTRUCTION, _MATERIAL = 300, 250  # characters: of a first paragraph at most, of what follows it at least
_BRIEFLY = 2.2  # something short is asked of a long text
_VOICED = 300  # characters; in longer texts a pronoun says nothing
_ASKING: Final = frozenset(("brief", "make", "opener"))
_TECHNICAL: Final = frozenset(("code", "sql", "diff", "stack_trace", "numbers"))
_NO_PROSE: Final = frozenset(("code", "sql", "diff", "stack_trace", "csv", "table", "log"))
_REACH = 60  # characters between a verb and its object
_SENTENCE_END: Final = re.compile(r"[.!?:\n。？！]\s|[,;] ")
# Endings of verbs: "summarize function f" has an object, "summary function" is one.
_VERB_ENDS: Final = ("ize", "ise", "act", "ate", "e")
_WHOLE = 1100  # characters of an ask read as instruction throughout; of a longer one its ends
_HEAD, _TAIL, _NEAR = 700, 400, 260
_LEAST = 1.0  # below, nothing speaks clearly
_UNSURE = 2.0  # below, earlier turns are asked
_EARLIER, _BEHIND = 0.5, 0.5  # shares of earlier turns, and of a system text behind clear words
_BRIEF = 80  # characters of words that go on with earlier ones
_PRIOR = 1.0  # what speaks for nothing, in the confidence
_OF_A_MENU, _OF_MATERIAL, _WITH_TOOLS = 0.15, 0.4, 0.6  # what is left of words beside structure that says more
_MENU = 4  # tasks a system text may name before it is a list of abilities


@dataclass(slots=True)
class Evidence:
    """
    Weights by task, and by the name of what gave them.
    """

    tasks: dict[Task, float] = field(default_factory=dict)
    names: dict[str, float] = field(default_factory=dict)

    def add(self, task: Task, weight: float, name: str) -> None:
        self.tasks[task] = self.tasks.get(task, 0.0) + weight
        self.names[name] = self.names.get(name, 0.0) + abs(weight)

    def take(self, other: Evidence, share: float) -> None:
        for task, weight in other.tasks.items():
            self.tasks[task] = self.tasks.get(task, 0.0) + weight * share
        for name, weight in other.names.items():
            self.names[name] = self.names.get(name, 0.0) + weight * share

    def scale(self, task: Task, share: float) -> None:
        self.tasks[task] = self.tasks.get(task, 0.0) * share

    def best(self) -> tuple[Task, float, float]:
        """
        The heaviest task, its weight, and the weight of the next one.
        """
        ranked = sorted(self.tasks.items(), key=lambda item: -item[1])
        if not ranked:
            return Task.UNKNOWN, 0.0, 0.0
        return ranked[0][0], ranked[0][1], max(0.0, ranked[1][1]) if len(ranked) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    The task, and what difficulty and length want to know of the latest words: counts by group and the forms seen.
    """

    task: Task
    confidence: float
    signals: tuple[str, ...]
    counts: Counter[str]
    shapes: frozenset[str]


def judged(request: Request, reading: Reading) -> Verdict:
    """
    The task of a request. `unknown` with confidence 0 where nothing speaks clearly.
    """
    evidence = Evidence()
    counts: Counter[str] = Counter()
    shapes: frozenset[str] = frozenset()
    if reading.asks:
        ask = reading.asks[0]
        shapes = shapes_of(ask)
        hits = _of_words(without_fences(ask), evidence, shapes)
        counts.update(hit.group for hit in hits)
        _of_shapes(shapes, evidence)
    if reading.system and not reading.harness:
        _of_system(reading.system, evidence)
    # "And in Italian?" goes on with what was asked before.
    brief = bool(reading.asks) and len(reading.asks[0]) < _BRIEF and not any(counts[verb] for verb in _VERBS if verb != "ask")
    for earlier in reading.asks[1:]:
        if evidence.best()[1] < _UNSURE:
            before = Evidence()
            forms = shapes_of(earlier)
            _of_words(without_fences(earlier), before, forms)
            _of_shapes(forms, before)
            evidence.take(before, 1.0 if brief else _EARLIER)
    _of_structure(request, reading, evidence)
    return _verdict(evidence, counts, shapes)


def _of_system(text: str, evidence: Evidence) -> None:
    system = Evidence()
    named = {_VERBS[hit.group][0] for hit in _of_words(text, system) if hit.group in _VERBS}
    system.tasks[Task.CONVERSATION] = min(1.5, system.tasks.get(Task.CONVERSATION, 0.0))
    if len(named) >= _MENU:
        evidence.take(system, _OF_A_MENU)
        return
    if system.best()[0] in _TEXT_TASKS and system.best()[1] >= _UNSURE:
        # Whatever the user says is material then, greetings and questions too.
        evidence.scale(Task.CONVERSATION, _OF_MATERIAL)
    evidence.take(system, _BEHIND if evidence.best()[1] >= _UNSURE else 1.0)


def _verdict(evidence: Evidence, counts: Counter[str], shapes: frozenset[str]) -> Verdict:
    task, first, second = evidence.best()
    names = tuple(sorted(evidence.names, key=lambda name: -evidence.names[name])[:6])
    if first < _LEAST or first == second:
        return Verdict(Task.UNKNOWN, 0.0, names, counts, shapes)
    return Verdict(task, round(first / (first + second + _PRIOR), 3), names, counts, shapes)


def _of_structure(request: Request, reading: Reading, evidence: Evidence) -> None:
    choice = request.tool_choice
    if request.tools and (choice is None or choice.mode != "none"):
        if reading.tool_calls or reading.tool_results:
            evidence.scale(Task.CONVERSATION, _WITH_TOOLS)
            evidence.add(Task.AGENTIC, _AGENT, "tools:used")
        elif choice is not None and choice.mode in ("required", "named") and (len(request.tools) == 1 or choice.mode == "named"):
            # The common way to ask for a form to be filled in.
            evidence.add(Task.EXTRACTION, _FORM, "tools:form")
        else:
            evidence.scale(Task.CONVERSATION, _WITH_TOOLS)
            evidence.add(Task.AGENTIC, _AGENT if reading.harness else _OFFERED + min(1.2, 0.12 * len(request.tools)), "tools")
    elif reading.harness:
        evidence.add(Task.CODE, _HARNESS, "harness")
    if request.output is not None:
        evidence.add(Task.EXTRACTION, _OBJECT if request.output.schema is None else _SCHEMA, "schema")
    if reading.turns > 2 and evidence.best()[1] <= 0:
        evidence.add(Task.CONVERSATION, 1.0, "turns")


def _of_shapes(shapes: frozenset[str], evidence: Evidence) -> None:
    # Where the words ask for something to be done with a text, its form is only the material.
    share = _MATERIAL_FORM if evidence.best()[0] in _TEXT_TASKS and evidence.best()[1] >= _UNSURE else 1.0
    for shape in shapes:
        if known := _FORMS.get(shape):
            evidence.add(known[0], known[1] * share, f"form:{shape}")


def _of_words(text: str, evidence: Evidence, shapes: frozenset[str] = frozenset()) -> list[Hit]:
    """
    Weigh the words of a text; what was found in it.
    """
    if len(text) > _WHOLE:
        head, tail = folded(text[:_HEAD]), folded(text[-_TAIL:])
        before, after = hits_in(head), hits_in(tail)
        _weigh(head, before, evidence, shapes, 0, end := _instruction_end(head, before) or _NEAR)
        _weigh(tail, after, evidence, shapes, len(tail) - _NEAR, len(tail))
        _of_brevity([*(hit for hit in before if hit.start < end), *after], evidence, shapes)
        return before + after
    zone = folded(text)
    hits = hits_in(zone)
    end = _instruction_end(zone, hits) or len(zone)
    _weigh(zone, hits, evidence, shapes, 0, end)
    if len(zone) - end >= _MATERIAL:
        _of_brevity([hit for hit in hits if hit.start < end], evidence, shapes)
    _of_questions(zone[:end], hits, evidence, shapes)
    if len(zone) < _VOICED and evidence.best()[1] < _LEAST and any(hit.group in ("voice", "make") for hit in hits):
        # Somebody speaks of himself, or to somebody.
        evidence.add(Task.CONVERSATION, _VOICE, "voice")
    return hits


def _instruction_end(zone: str, hits: list[Hit]) -> int | None:
    """
    Where a short first paragraph ends that asks for something, before longer material; `None` where there is none.
    """
    end = zone.find("\n\n")
    if not 0 < end <= _INSTRUCTION or len(zone) - end < _MATERIAL:
        return None
    return end if any(hit.start < end and (hit.group in _VERBS or hit.group in _ASKING) for hit in hits) else None


def _of_brevity(hits: list[Hit], evidence: Evidence, shapes: frozenset[str]) -> None:
    """
    Something short is asked of a longer text that is no code and no table: a summary.
    """
    if any(hit.group == "brief" for hit in hits) and not shapes & _NO_PROSE:
        evidence.add(Task.SUMMARISATION, _BRIEFLY, "word:brief")


def _of_questions(zone: str, hits: list[Hit], evidence: Evidence, shapes: frozenset[str]) -> None:
    """
    A question is conversation, unless it is about code or figures.
    """
    asked = _QUESTION if "?" in zone[-200:] or "？" in zone[-200:] else 0.0
    if hits and hits[0].group in ("opener", "ask") and hits[0].start == 0:
        asked += _OPENER
    if asked:
        groups = Counter(hit.group for hit in hits)
        technical = (
            groups["code"] or groups["lang"] or groups["program"] or groups["craft"] > 1 or groups["data"] > 1 or shapes & _TECHNICAL
        )
        evidence.add(Task.CONVERSATION, asked * (_TECHNICAL_QUESTION if technical else 1.0), "question")


def _weigh(zone: str, hits: list[Hit], evidence: Evidence, shapes: frozenset[str], near: int, far: int) -> None:
    """
    Args:
        near, far: Where an instruction is likely to stand; words elsewhere count less.
    """
    made = _made(zone, hits)
    technical = bool(shapes & _TECHNICAL) or any(hit.group in ("code", "lang") for hit in hits)
    lead: Task | None = None
    verbs: Counter[str] = Counter()
    things: Counter[str] = Counter()
    for hit in hits:
        share = 1.0 if near <= hit.start <= far else _ELSEWHERE
        if (verb := _VERBS.get(hit.group)) is not None:
            task = verb[0]
            verbs[hit.group] += 1
            if verbs[hit.group] > 2:
                continue
            if technical and hit.group == "ask":
                share *= _TECHNICAL_ASK
            if made is not None and hit.start > made and task is not Task.CODE:
                share *= _WITHIN_MADE
            elif _attributive(zone, hit, hits):
                task, share = Task.CODE, share * 0.5
            elif lead is None or (lead is Task.CONVERSATION and hit.group != "ask" and not verbs["talk"]):
                # A question's "can you" leads nowhere.
                lead, share = task, share * _LEAD
            elif task is not lead:
                share *= _FOLLOWING
            else:
                share *= _AGAIN
            evidence.add(task, verb[1] * share, f"verb:{hit.group}")
        elif (thing := _THINGS.get(hit.group)) is not None:
            weight = min(thing[1] * share, max(0.0, thing[2] - things[hit.group] * thing[1]))
            things[hit.group] += 1
            if lead in _TEXT_TASKS and thing[0] is not lead:
                weight *= _MATERIAL_WORD
            evidence.add(thing[0], weight, f"word:{hit.group}")
    if made is not None:
        evidence.add(Task.CODE, 2.4, "made:code")
    _of_pairs(zone, hits, evidence)


def _made(zone: str, hits: list[Hit]) -> int | None:
    """
    Where something is asked to be made that is code, before any other task is named: the end of that word.
    """
    make: Hit | None = None
    for hit in hits:
        if hit.group == "make":
            make = hit
        elif hit.group in ("code", "craft", "lang", "program") and make is not None and hit.start - make.end < _REACH:
            if not _SENTENCE_END.search(zone, make.end, hit.start):
                return make.end
        elif hit.group in ("translate", "summarise", "extract", "analyse") and make is None:
            return None
    return None


def _attributive(zone: str, hit: Hit, hits: list[Hit]) -> bool:
    """
    Whether a code word stands directly behind a noun: "summary function".
    """
    if hit.group == "program" or zone[hit.start : hit.end].endswith(_VERB_ENDS):
        return False
    return any(other.group in _CODE_WORDS and 0 <= other.start - hit.end <= 1 for other in hits)


def _of_pairs(zone: str, hits: list[Hit], evidence: Evidence) -> None:
    """
    What two words say together that neither says alone.
    """
    groups = {hit.group for hit in hits}
    if "translate" in groups:
        if "tongue" in groups:
            evidence.add(Task.TRANSLATION, 1.2, "word:tongue")
        elif "lang" in groups or _near(hits, "translate", _CODE_WORDS, 40):
            evidence.add(Task.CODE, 3.0, "pair:translate+code")
            evidence.add(Task.TRANSLATION, -2.5, "pair:translate+code")
    if "extract" in groups and _near(hits, "extract", _CODE_WORDS, 16) and not groups & {"fields", "tongue"}:
        evidence.add(Task.CODE, 2.6, "pair:extract+code")
        evidence.add(Task.EXTRACTION, -1.6, "pair:extract+code")


def _near(hits: list[Hit], verb: str, things: frozenset[str], reach: int) -> bool:
    starts = [hit.start for hit in hits if hit.group in things]
    return any(0 <= start - hit.end <= reach for hit in hits if hit.group == verb for start in starts)
