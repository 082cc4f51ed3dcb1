"""
Which calls a rule speaks of, and how it points into a body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

type Steps = tuple[str, ...]

EVERY = "[*]"  # each element of an array


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What rules ask of a call.

    Attributes:
        method: Upper case; `WS` for a WebSocket.
        path: Lower case, without query, doubled slashes, dot segments or needless percent-encoding: as the provider will route it.
        target: Path with query as it will be sent: what a key or switch in the query is taken from or put into.
        model: As requested; `None` where the request names none.
        reasons: Whether the model reasons; `None`: not known.
    """

    provider: str
    operation: str
    dialect: str
    method: str = "POST"
    path: str = "/"
    target: str = "/"
    host: str = ""
    model: str | None = None
    reasons: bool | None = None


@dataclass(frozen=True, slots=True)
class Where:
    """
    Conditions on a call. All that are given must hold; of a list, one is enough; operations and paths are one list, because a path the
    catalogue knows under no operation must not slip through. In patterns `*` is any run of characters, a trailing `[/*]` the path itself
    and all below it; case does not count.
    """

    operations: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    methods: frozenset[str] = frozenset()
    dialects: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    unless_models: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Where:
        """
        From a rule as the data file has it; keys it does not speak of are left alone.
        """
        paths = [path.lower() for path in data.get("paths") or ()]
        return cls(
            operations=frozenset(data.get("operations") or ()),
            paths=tuple(one for path in paths for one in _unfolded(path)),
            methods=frozenset(data.get("methods") or ()),
            dialects=_folded(data.get("dialects")),
            models=_folded(data.get("models")),
            unless_models=_folded(data.get("unless_models")),
            hosts=_folded(data.get("hosts")),
        )

    def holds(self, facts: Facts) -> bool:
        """
        Whether a call is meant. A call that names no model is never meant by `models`, nor spared by `unless_models`.
        """
        if (self.operations or self.paths) and facts.operation not in self.operations and not fits(facts.path, self.paths):
            return False
        model = (facts.model or "").lower()
        return (
            (not self.methods or facts.method in self.methods)
            and (not self.dialects or fits(facts.dialect, self.dialects))
            and (not self.models or fits(model, self.models))
            and not (self.unless_models and fits(model, self.unless_models))
            and (not self.hosts or fits(facts.host.lower(), self.hosts))
        )


def fits(text: str, patterns: Sequence[str]) -> bool:
    """
    Whether one of the patterns fits. Both in lower case.
    """
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _unfolded(path: str) -> tuple[str, ...]:
    stem = path.removesuffix("[/*]")
    return (path,) if stem == path else (stem, stem + "/*")


def _folded(patterns: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(pattern.lower() for pattern in patterns or ())


def steps(path: str) -> Steps:
    """
    A path as rules write it, `contents[*].parts[*].fileData`, in steps.
    """
    found: list[str] = []
    for part in path.split("."):
        name = part.removesuffix(EVERY)
        found += [name, EVERY] if name != part else [name]
    return tuple(found)


def values(node: Any, path: Steps) -> Iterator[Any]:
    """
    What stands at a path, in any spelling of its keys: servers differ on whether case counts, and what is refused must not come back
    as `Store`. Where an array is meant and a single element stands, it is taken for an array of one.
    """
    if not path:
        yield node
    elif path[0] == EVERY:
        for child in node if isinstance(node, list) else (node,):
            yield from values(child, path[1:])
    elif isinstance(node, dict):
        for key, child in node.items():
            if key == path[0] or (len(key) == len(path[0]) and key.casefold() == path[0].casefold()):
                yield from values(child, path[1:])


def other_spelling(node: Any, path: Steps) -> bool:
    """
    Whether a key on the way to `path` stands there in another case of letters: one reader would take it for the key, another not.
    """
    for step in path:
        if not isinstance(node, dict):
            return False
        if any(key != step and len(key) == len(step) and key.casefold() == step.casefold() for key in node):
            return True
        node = node.get(step)
    return False
