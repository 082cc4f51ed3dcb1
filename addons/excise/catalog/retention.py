"""
What providers keep of a call, and which switches they have: dated data with sources, and its strict loader.

    book = load_retention()
    book.providers["openai"].expires_on
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from excise.catalog.places import Places
from excise.catalog.schema import Id, Word
from excise.errors import SettingsError

SHIPPED = Path(__file__).with_name("retention.yml")

Pattern = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^?\[\]]+(\[/\*\])?$")]
JsonPath = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\[\*\])?(\.[A-Za-z_][A-Za-z0-9_]*(\[\*\])?)*$")]
Member = Annotated[
    str, Field(max_length=200, pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")
]  # one place: nothing with [*]
Header = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]
Sentence = Annotated[str, Field(min_length=1, max_length=500)]
Url = Annotated[str, Field(pattern=r"^https://\S+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Where(_Strict):
    """
    Which calls a rule speaks of: all that is given must hold, of a list one is enough; operations and paths count as one list.
    """

    operations: list[Word] = []
    paths: list[Pattern] = []
    methods: list[str] = []
    dialects: list[Pattern] = []
    models: list[Pattern] = []
    unless_models: list[Pattern] = []
    hosts: list[Pattern] = []


class SetRule(_Where):
    """
    A switch. One of `json`, `header`, `query` says where it stands; one of `value`, `append`, `hash`, `remove`, `to_header` what is done.
    """

    json_: Annotated[Member | None, Field(alias="json")] = None
    header: Header | None = None
    query: Annotated[str, Field(pattern=r"^[A-Za-z_-]{1,64}$")] | None = None
    value: bool | str | None = None
    append: str | None = None
    hash: bool = False
    remove: bool = False
    to_header: Header | None = None
    if_present: bool = False
    if_reasoning: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(where is not None for where in (self.json_, self.header, self.query)) != 1:
            raise ValueError("give one of json, header, query")
        done = [self.value is not None, self.append is not None, self.hash, self.remove, self.to_header is not None]
        if sum(done) != 1:
            raise ValueError("give one of value, append, hash, remove, to_header")
        if self.json_ is None and (self.append is not None or self.hash or self.remove or self.if_present or isinstance(self.value, bool)):
            raise ValueError("a header or query is set to a text")
        if (self.to_header is not None) != (self.query is not None and self.value is None):
            raise ValueError("to_header moves a query")
        return self


class ToolException(_Strict):
    """
    What makes a tool harmless.
    """

    json_: Annotated[JsonPath, Field(alias="json")]
    value: bool | str


class ForbidRule(_Where):
    """
    Something no request may have. Without `json`, `tools`, `tool_keys` the calls themselves, which must then be said.
    """

    json_: Annotated[list[JsonPath], Field(alias="json")] = []
    is_: Annotated[list[bool | str], Field(alias="is")] = []
    is_not: list[bool | str] = []
    tools: list[Pattern] = []
    tool_keys: list[str] = []
    tools_unless: ToolException | None = None
    why: Sentence

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not (self.json_ or self.tools or self.tool_keys or self.operations or self.paths or self.models or self.dialects or self.hosts):
            raise ValueError("say what is forbidden")
        if (self.is_ or self.is_not) and not self.json_:
            raise ValueError("is and is_not belong to json")
        return self


class AdminCall(_Strict):
    """
    A call only an administrator of the account can make. `excise retention check` makes it, nothing else does.
    """

    method: Literal["GET"]
    url: Url
    json_: Annotated[JsonPath, Field(alias="json")]
    expected: list[str]


class VerifyRule(_Strict):
    """
    A signal: a response header, a place in the first JSON of the answer, or an administrator's call.
    """

    header: Header | None = None
    answer: list[JsonPath] = []
    admin: AdminCall | None = None
    expected: str | None = None
    asked: JsonPath | None = None
    proves: Literal["retention", "region"] = "retention"

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum((self.header is not None, bool(self.answer), self.admin is not None)) != 1:
            raise ValueError("give one of header, answer, admin")
        if self.admin is None and (self.expected is None) == (self.asked is None):
            raise ValueError("give expected or asked")
        return self


class RuleGroup(_Strict):
    """
    Rules several providers share.
    """

    set: list[SetRule] = []
    forbid: list[ForbidRule] = []


class Default(_Strict):
    """
    What happens where nobody does anything. `days`: how long content is kept; `None`: not a number of days, or not said.
    """

    says: Sentence
    days: Annotated[int, Field(ge=0, le=3660)] | None = None


class Stance(RuleGroup):
    """
    How a provider is treated under zero retention.
    """

    default: Default
    promised: bool = False
    unattested: Literal["pass", "refuse"]
    attest: Sentence | None
    covers: list[Word] = []
    use: list[Word] = []
    verify: list[VerifyRule] = []


class RetentionSpec(Stance):
    """
    A provider's entry.
    """

    id: Id
    also: list[Id] = []  # the entry is theirs, too
    checked_on: date
    expires_on: date
    source: Annotated[list[Url | Literal["not read at the source"]], Field(min_length=1)]
    unverified: list[Sentence] = []

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.expires_on <= self.checked_on:
            raise ValueError("expires_on must come after checked_on")
        return self


class RetentionFile(_Strict):
    """
    A whole file.
    """

    version: Annotated[int, Field(ge=1, le=1)] = 1
    groups: dict[Word, RuleGroup] = {}
    everywhere: list[SetRule] = []
    unlisted: Stance | None = None
    unread: list[Id] = []
    providers: list[RetentionSpec] = []


@dataclass(frozen=True, slots=True)
class RetentionBook:
    """
    All entries.

    Attributes:
        providers: By id of the catalogue.
        groups: By name.
        everywhere: Switches of every provider, listed or not.
        unlisted: How attested providers without an entry are treated.
        unread: Providers that were looked for and not found: without an entry.
    """

    providers: Mapping[str, RetentionSpec]
    groups: Mapping[str, RuleGroup]
    everywhere: tuple[SetRule, ...]
    unlisted: Stance
    unread: tuple[str, ...]


def load_retention(overlay: Path | None = None) -> RetentionBook:
    """
    The shipped entries, with an operator's file laid over them.

    Args:
        overlay: YAML of the form of retention.yml. An entry replaces the shipped one of its id as a whole; groups and `everywhere` add.

    Raises:
        SettingsError: The overlay is not right; one line for each fault, with file, line and column.
    """
    shipped = _shipped()
    assert shipped.unlisted is not None
    groups, everywhere, unlisted = dict(shipped.groups), list(shipped.everywhere), shipped.unlisted
    entries = {id_: entry for entry in shipped.providers for id_ in (entry.id, *entry.also)}
    if overlay is not None:
        places = Places(overlay)
        written = places.check(RetentionFile)
        groups |= written.groups
        everywhere += written.everywhere
        unlisted = written.unlisted or unlisted
        seen: set[str] = set()
        for number, entry in enumerate(written.providers):
            for id_ in (entry.id, *entry.also):
                if id_ in seen:
                    raise places.error(("providers", number, "id"), f"`{id_}` stands here twice")
                seen.add(id_)
                entries[id_] = entry
            for place, name in enumerate(entry.use):
                if name not in groups:
                    raise places.error(("providers", number, "use", place), f"there is no group `{name}`: {', '.join(sorted(groups))}")
    unread = tuple(id_ for id_ in shipped.unread if id_ not in entries)
    return RetentionBook(entries, groups, tuple(everywhere), unlisted, unread)


@cache
def _shipped() -> RetentionFile:
    # As in load.py: libyaml is ten times faster, and a test checks the file against the strict reader.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with SHIPPED.open("rb") as file:
        read = RetentionFile.model_validate(yaml.load(file, Loader=loader))  # noqa: S506 -- a safe loader, and our own file
    missing = {name for entry in read.providers for name in entry.use} - set(read.groups)
    if missing:
        raise SettingsError(f"{SHIPPED}: there is no group {', '.join(sorted(missing))}")
    return read
