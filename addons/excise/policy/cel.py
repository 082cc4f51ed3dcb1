"""
Expressions of conditions, in CEL, the Common Expression Language. Pure: facts in, yes, no or neither out; it never raises.

Only what ends quickly is let in: no loops over lists, no regular expressions, and only names that are known here. So what an expression
reads is known when it is loaded, and nothing else is handed to it.

Source: github.com/google/cel-spec, langdef.md, read 2026-11.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from excise.exchange import Capture
from excise.policy.hours import DAYS

if TYPE_CHECKING:
    from cel import Program

    from excise.policy.decide import Facts

MAX_EXPRESSION = 500  # characters; with loops refused, cost grows with the text alone

FUNCTIONS = frozenset({"size", "startsWith", "endsWith", "contains", "int", "double", "string"})

_OPERATORS = re.compile(r"[@_!?:\[\]<>=&|+*/%-]+|@in|-_|!_")
_TEXT = re.compile(r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""")
_REFUSED = (
    ('"""', "texts stand between single or double quotes, not three of them"),
    ("'''", "texts stand between single or double quotes, not three of them"),
    ("`", "names are not quoted"),
)
_LOOP = re.compile(r"\.(?:all|exists|exists_one|existsOne|map|filter)\(")
_PREFIXED = re.compile(r"""(?<![\w"'])[rRbB]{1,2}(?="")""")
_NAME = re.compile(r"(?<![\w.])(call|principal|headers|time)\b(?:\.([A-Za-z_]\w*))?")
_SYNTAX = re.compile(r"<input>:(\d+):(\d+): (?:Syntax error: )?(.*)")

_FAILS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)  # what the library raises where an operator does not fit

type Read = Callable[[Facts], Any]


def _of_time(read: Callable[[datetime], Any]) -> Read:
    return lambda facts: None if facts.now is None else read(facts.now.astimezone(UTC))


VARIABLES: Mapping[str, Mapping[str, Read]] = {
    "call": {
        "provider": lambda facts: facts.provider,
        "operation": lambda facts: facts.operation,
        "model": lambda facts: facts.model,
        "capture": lambda facts: str(facts.capture),
        "source": lambda facts: None if facts.source is None else str(facts.source),
        "task": lambda facts: None if facts.task is None else str(facts.task),
        "complexity": lambda facts: facts.complexity,
        "needs": lambda facts: sorted(str(need) for need in facts.needs),
        "input_tokens": lambda facts: facts.input_tokens,
        "output_tokens": lambda facts: facts.output_tokens,
        "stream": lambda facts: facts.stream,
    },
    "principal": {
        "id": lambda facts: facts.principal,
        "team": lambda facts: facts.team,
        "app": lambda facts: facts.app,
        "env": lambda facts: facts.env,
        "tags": lambda facts: dict(facts.tags),
    },
    "time": {
        "hour": _of_time(lambda now: now.hour),
        "minute": _of_time(lambda now: now.minute),
        "weekday": _of_time(lambda now: DAYS[now.weekday()]),
        "day": _of_time(lambda now: now.day),
        "month": _of_time(lambda now: now.month),
    },
}
"""
What expressions may read, and how. Times are UTC.
"""


@dataclass(frozen=True, slots=True)
class Expression:
    """
    An expression ready to run.
    """

    text: str
    _program: Program = field(repr=False)
    _reads: tuple[tuple[str, tuple[tuple[str, Read], ...]], ...] = field(repr=False)
    _headers: bool = False

    def holds(self, facts: Facts) -> bool | None:
        """
        `None`: it cannot be told, because something it reads is not known, or is of another kind.
        """
        context: dict[str, Any] = {name: {field: read(facts) for field, read in reads} for name, reads in self._reads}
        if self._headers:
            context["headers"] = dict(facts.headers)
        try:
            found = self._program.execute(context)
        except _FAILS:
            return None
        return found if isinstance(found, bool) else None


@lru_cache(2048)
def expression(text: str) -> Expression:
    """
    Raises:
        ValueError: It is none, or reads or calls what is not known here. The text says where.
    """
    import cel  # half a second, for a shell of its own; most policies have no expressions

    if len(text) > MAX_EXPRESSION:
        raise ValueError(f"an expression has at most {MAX_EXPRESSION} characters")
    bare = _bare(text)
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise ValueError(_syntax(str(error))) from None
    named = _named(bare)
    for function in program.functions():
        if function not in FUNCTIONS and not _OPERATORS.fullmatch(function.replace("@not_strictly_false", "@in")):
            raise ValueError(f"unknown function {function!r}; there are {', '.join(sorted(FUNCTIONS))}")
    if unknown := sorted(set(program.variables()) - set(named)):
        raise ValueError(f"unknown name {unknown[0]!r}; there are call, principal, headers and time")
    reads = tuple((name, tuple((field, VARIABLES[name][field]) for field in sorted(fields))) for name, fields in named.items() if fields)
    made = Expression(text, program, reads, "headers" in named)
    _check_result(made)
    return made


def _bare(text: str) -> str:
    """
    The expression with its texts taken out and no blanks about its dots.
    """
    for mark, why in _REFUSED:
        if mark in text:
            raise ValueError(why)
    bare = re.sub(r"\s*([.(])\s*", r"\1", _TEXT.sub('""', text))
    if "//" in bare:
        raise ValueError("write comments in YAML, behind #")
    if _PREFIXED.search(bare):
        raise ValueError("texts have no letter in front of their quotes")
    if _LOOP.search(bare):
        raise ValueError("lists cannot be walked through here; ask with `in`")
    return bare


def _named(bare: str) -> dict[str, set[str]]:
    named: dict[str, set[str]] = {}
    for found in _NAME.finditer(bare):
        name, member = found.groups()
        known = VARIABLES.get(name)
        if known is not None and member not in known:
            near = difflib.get_close_matches(member, known, n=1) if member else ()
            hint = f"did you mean {name}.{near[0]}?" if near else f"there are {', '.join(f'{name}.{one}' for one in known)}"
            raise ValueError(f"unknown name {name}.{member}: {hint}" if member else f"write {name}.NAME: {hint}")
        named.setdefault(name, set()).update((member,) if known is not None else ())
    return named


def _syntax(text: str) -> str:
    found = _SYNTAX.search(text)
    if found is None:
        return "not an expression in CEL"
    line, column, why = found.groups()
    return f"not an expression in CEL: line {line}, column {column} of it: {why[:200]}"


def _check_result(made: Expression) -> None:
    try:
        found = made._program.execute(_sample(made))
    except KeyError:
        return  # a header or a tag, which this sample lacks
    except _FAILS as error:
        said = str(error).partition(".")[0][:200]
        raise ValueError(f"this can never be told: {said}") from None
    if not isinstance(found, bool):
        raise ValueError(f"the result must be true or false, not {type(found).__name__}")


def _sample(made: Expression) -> dict[str, Any]:
    from excise.policy.decide import Facts

    facts = Facts(
        principal="one",
        provider="openai",
        operation="chat",
        capture=Capture.PROXY,
        team="one",
        app="one",
        env="one",
        model="one",
        task="code",
        complexity=0.5,
        needs=frozenset({"tools"}),
        input_tokens=1000,
        output_tokens=1000,
        stream=True,
        now=datetime(2026, 1, 1, 12, tzinfo=UTC),
    )
    return {name: {field: read(facts) for field, read in reads} for name, reads in made._reads} | {"headers": {}}
