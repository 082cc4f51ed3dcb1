"""
Load one policy file: the edge where files and secrets are read.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from excise.errors import PolicyError
from excise.policy.compile import Policy, compile_policy
from excise.policy.flaw import Known
from excise.policy.flaws import flaws
from excise.policy.referred import Referred, credentials_of, missing_extras, own_rules
from excise.policy.schema import Match, PolicyFile
from excise.policy.yaml import Fault, KeyPath, Loaded, load_strict, read_bounded
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.scanner import Scanner
from excise.privacy.protection import Scanners

MAX_FAULTS = 100  # told at once; who has more has a file of another kind
MAX_KEY_BYTES = 4096
MIN_KEY_BYTES = 12  # shorter is a password, and its digest could be guessed
# Files of other kinds that may stand beside a policy.
_OTHERS = ("providers.yml", "prices.yml")
TESTS = ".test.yml"


def find_policy(where: Path) -> Path:
    """
    The policy file of a directory, or `where` itself if it is a file. A directory holds exactly one: two policies would raise the
    question which one governs. `*.test.yml`, `providers.yml`, `prices.yml` and hidden files are no policies.

    Raises:
        PolicyError: None, or more than one.
    """
    try:
        if not where.is_dir():
            return where
        names = sorted(entry.name for entry in os.scandir(where) if entry.name.endswith((".yml", ".yaml")))
    except OSError as error:
        raise PolicyError([(str(where), 1, 1, f"cannot be read: {error.strerror or type(error).__name__}")]) from error
    found = [name for name in names if not name.startswith(".") and not name.endswith((TESTS, ".test.yaml")) and name not in _OTHERS]
    if not found:
        raise PolicyError([(str(where), 1, 1, "no policy here: a directory of policies holds one file, for example default.yml")])
    if len(found) > 1:
        raise PolicyError([(str(where), 1, 1, f"more than one policy here ({', '.join(found[:5])}); keep one, move the others away")])
    return where / found[0]


def load_policy(
    where: Path,
    *,
    known: Known | None = None,
    environ: Mapping[str, str] | None = None,
    secrets: bool = True,
    touched: set[Path] | None = None,
    scanner: Callable[[Sequence[Rule]], Scanner] | None = None,
) -> Policy:
    """
    Read, check and prepare a policy.

    Args:
        where: The file, or its directory.
        known: The catalogue, for names in rules. Default: every name is known.
        environ: For `env:NAME`. Default: the process's.
        secrets: Whether to read the keys it refers to. `False` is for looking at a policy where its keys are not: proxy users of
            the result can never be known.
        scanner: Makes the scanners of `redact` from rules. `None`: the policy is looked at, and can redact nothing.
        touched: Filled with every file the result depends on, also when loading fails, so that a watcher knows where to look.

    Raises:
        PolicyError: With all faults that could be found, each with file, line and column.
    """
    touched = set() if touched is None else touched
    path = find_policy(where)
    touched.add(path)
    content = read_bounded(path)
    loaded = load_strict(content, name=str(path))
    written = validate(PolicyFile, loaded)
    places = loaded.places
    faults = [places.fault(as_written(flaw.path, loaded.value), flaw.text) for flaw in flaws(written, known or Known())]
    if list(loaded.value)[-1] != "default":
        faults.append(places.fault(("default",), "`default` must be the last key: then a file cut short can never load", at_key=True))
    keys: dict[str, tuple[bytes, ...]] = {entry.id: () for entry in written.principals}
    source = Referred(path.parent, os.environ if environ is None else environ, touched)
    if secrets:
        for number, entry in enumerate(written.principals):
            found, missing = _digests(entry.match, source)
            keys[entry.id] = found
            faults += [places.fault(("principals", number, "match", "key", at), text) for at, text in missing]
    credentials, unreferred = credentials_of(written.providers, source) if secrets else ({}, [])
    faults += [places.fault(at, text) for at, text in unreferred]
    own, missing_values = own_rules(written.detect, source, secrets=secrets)
    faults += [places.fault(at, text) for at, text in (*missing_values, *missing_extras(written.redact))]
    if faults:
        raise PolicyError(sorted(faults))
    scanners = None
    if scanner is not None:
        from excise.privacy.detect.catalogue import RULES  # half a second, which whoever only looks at a policy need not wait

        scanners = Scanners((*RULES, *own), scanner)
    policy_id = f"{path.stem}@{hashlib.sha256(content).hexdigest()[:12]}"
    return compile_policy(written, policy_id, keys, scanners, credentials=credentials, referred=source.digest)


def _digests(match: Match, source: Referred) -> tuple[tuple[bytes, ...], list[tuple[int, str]]]:
    """
    Digests of all keys of one principal, so that no key stays in memory; and for each reference that leads nowhere its number and what is
    wrong. The text never holds the key.
    """
    found = [bytes.fromhex(digest) for digest in match.key_sha256 or ()]
    missing = []
    for at, reference in enumerate(match.key or ()):
        try:
            key = source.read(reference, limit=MAX_KEY_BYTES).strip()
        except ValueError as error:
            missing.append((at, str(error)))
            continue
        if len(key) < MIN_KEY_BYTES:
            missing.append((at, f"the key at {reference} has less than {MIN_KEY_BYTES} bytes; make one with: openssl rand -hex 32"))
        else:
            found.append(hashlib.sha256(key).digest())
    return tuple(found), missing


def validate[M: BaseModel](model: type[M], loaded: Loaded) -> M:
    """
    Check loaded YAML against a model; every fault gets its place.

    Raises:
        PolicyError: With all faults of shape. Texts never hold a value: somebody may have written a secret where none belongs.
    """
    value, places = loaded
    if not isinstance(value, dict):
        raise PolicyError([places.fault((), "the file is empty" if value is None else "keys and values are expected here")])
    faults = [places.fault(path, "empty: give a value, or leave the key out") for path in islice(_empty(value, ()), MAX_FAULTS)]
    try:
        checked = model.model_validate(value)
    except ValidationError as error:
        blank = {(line, column) for _, line, column, _ in faults}
        details = error.errors(include_url=False, include_input=False, include_context=False)
        # A list whose only item is wrong counts as too short as well, which is not what its writer has to know.
        around = {one["loc"][:depth] for one in details for depth in range(len(one["loc"]))}
        telling = [one for one in details if one["type"] != "too_short" or one["loc"] not in around]
        found = (_fault(one, loaded, model) for one in telling[:MAX_FAULTS])
        faults += [fault for fault in found if fault[1:3] not in blank]
        raise PolicyError(sorted(set(faults))) from None
    if faults:
        raise PolicyError(sorted(faults))
    return checked


def _empty(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    # `team:` with nothing behind it would silently be no condition, and widen its rule.
    if value is None:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _empty(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _empty(inner, (*path, at))


def as_written(path: KeyPath, value: Any) -> KeyPath:
    """
    A path in the checked model as a path in what was written: there one value may stand for a list of one, a text for a mapping of one
    key. Steps that were not written are left out; a key that is missing in a mapping that is there stays at the end.
    """
    found: list[str | int] = []
    for at, step in enumerate(path):
        if isinstance(value, dict) and (step in value or at == len(path) - 1):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            continue
        found.append(step)
    return tuple(found)


def _fault(details: ErrorDetails, loaded: Loaded, model: type[BaseModel]) -> Fault:
    value, places = loaded
    path = details["loc"]
    text = details["msg"]
    match details["type"]:
        case "extra_forbidden":
            return places.fault(path, _unknown_key(str(path[-1]), _keys_at(model, path[:-1])), at_key=True)
        case "missing":
            return places.fault(path[:-1], f"`{path[-1]}` is missing", at_key=True)
        case "model_type" | "dict_type":
            text = "keys and values are expected here"
        case "tuple_type":
            text = "a list is expected here"
        case "too_short" | "too_long":
            text = text.replace("Tuple", "The list")
        case _ if path and path[-1] == "[key]":
            path = path[:-1]
            return places.fault(path, text, at_key=True)
        case _:
            pass
    return places.fault(as_written(path, value), text[:1].lower() + text[1:])


def _unknown_key(key: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(key[:64], allowed, n=1)
    return f"unknown key {key[:64]!r}" + (
        f": did you mean {near[0]!r}?" if near else f"; known here: {', '.join(allowed)}" if allowed else ""
    )


def _keys_at(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """
    Keys a model allows at a path, through its JSON Schema.
    """
    schema = _schema(model)
    here = schema
    for step in path:
        inner = here.get("items") if isinstance(step, int) else here.get("properties", {}).get(step, here.get("additionalProperties"))
        here = _merged(inner, schema["$defs"]) if isinstance(inner, dict) else {}
    return list(here.get("properties", {}))


def _merged(schema: dict[str, Any], defs: dict[str, Any]) -> dict[str, Any]:
    """
    What a schema and all its alternatives say, in one.
    """
    if "$ref" in schema:
        schema = defs[schema["$ref"].rsplit("/", 1)[-1]]
    merged = dict(schema)
    for option in schema.get("anyOf", ()):
        merged |= _merged(option, defs)
    return merged


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)
