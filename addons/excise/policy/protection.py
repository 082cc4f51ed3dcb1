"""
What people write about redaction and retention: the keys `redact`, `detect` and `retention` of a policy file.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

import re2
from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator

from excise.policy.when import When
from excise.policy.words import Name, Names, SecretRefs, Written, listed, wrong
from excise.privacy.entities import ENTITIES
from excise.privacy.profiles import PROFILES, Action, ProfileName

MAX_PROTECTIONS = 100
MAX_PATTERNS_OF_OWN = 500
MAX_DICTIONARIES = 50

_DETECTOR_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")


def _entity(value: str) -> str:
    if value not in ENTITIES:
        raise wrong(f"no such entity; one of {', '.join(ENTITIES)}")
    return value


def _action(value: object) -> object:
    if isinstance(value, str) and value in list(Action):
        return Action(value)
    raise wrong(f"one of {', '.join(Action)} is expected")


def _profiles(value: object) -> tuple[str, ...]:
    names = listed(value)
    if names == ("off",):
        return ()
    if not names:
        raise wrong("name at least one profile, or off")
    if not all(isinstance(name, str) and name in PROFILES for name in names):
        raise wrong(f"one or more of {', '.join(PROFILES)} are expected, or off alone")
    return tuple(names)


def _detector_name(value: str) -> str:
    if not _DETECTOR_NAME.fullmatch(value):
        raise wrong("a name of lower-case letters, digits and hyphens is expected")
    return value


def _linear(value: str) -> str:
    # RE2 runs in linear time whatever the expression; what it cannot run so (look-around, back-references) it refuses.
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 << 20
    try:
        compiled = re2.compile(value, options)
    except re2.error:
        raise wrong("not an expression RE2 can run; look-around and back-references are not allowed there") from None
    if compiled.search("") is not None:
        raise wrong("the expression matches the empty text")
    return value


EntityName = Annotated[str, AfterValidator(_entity)]
ActionName = Annotated[Action, BeforeValidator(_action, json_schema_input_type=Action)]
DetectorName = Annotated[str, AfterValidator(_detector_name)]
Expression = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_linear)]
ProfileNames = Annotated[
    tuple[str, ...],  # empty: off
    PlainValidator(_profiles, json_schema_input_type=Literal["off", "secrets", "pii", "strict", "hipaa", "pci"] | list[ProfileName]),
]


class RedactRule(Written):
    """
    What is taken out of which calls. Read from top to bottom; the first whose conditions all hold decides. A call none of them holds for is
    not scanned.
    """

    name: Name = Field(description="Unique; the ledger's `redaction_rule`.")
    when: When | None = Field(default=None, description="Conditions, as of rules. Left out: every call.")
    profile: ProfileNames = Field(
        description="What is looked for: `secrets`, `pii`, `strict`, `hipaa`, `pci`, several of them, or `off`.",
    )
    actions: dict[EntityName, ActionName] = Field(
        default_factory=dict, description="What is done with single kinds instead of `pseudonymise`; names kinds the profile lacks, too."
    )
    unreadable: Literal["refuse", "allow"] = Field(
        default="refuse", description="Parts of a request nobody can read: refuse the call, or let them pass unscanned."
    )
    binary: Literal["block", "extract", "allow"] | None = Field(
        default=None,
        description="Pictures, audio, PDF, archives. `extract`: as `block`, but PDF and office files are scanned (extra `documents`). "
        "Default: `block` in `strict` and `hipaa`, else `allow`.",
    )
    scope: Literal["conversation", "tenant"] = Field(
        default="conversation", description="How far the same value has the same placeholder: one conversation, or all calls of a team."
    )
    answers: Literal["off", "report-only", "mask", "block"] = Field(
        default="off", description="What is done with things of these kinds that the model itself produced."
    )
    tell_model: bool = Field(
        default=False, description="Add one fixed sentence on placeholders to the system text of requests that have some."
    )

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        if not self.profile and (self.actions or self.answers != "off" or self.tell_model):
            raise wrong("profile off looks for nothing: leave actions, answers and tell_model out, or name a profile")
        return self


class OwnPattern(Written):
    """
    An expression of your own, in RE2's syntax. Its first group, if it has one, is what is taken out.
    """

    name: DetectorName = Field(description="Unique; the ledger's `detector`.")
    pattern: Expression = Field(description="The expression, in the syntax of RE2; `(?i)` in front: case does not count.")
    entity: EntityName = Field(default="CUSTOM", description="What it finds. Profiles and actions speak of this.")


class OwnDictionary(Written):
    """
    Values of your own that must not leave: your secrets, your customers' names. Found wherever they stand, exactly.
    """

    name: DetectorName = Field(description="Unique; the ledger's `detector`.")
    entity: EntityName = Field(default="OWN_SECRET", description="What its values are. Profiles and actions speak of this.")
    values: SecretRefs = Field(description="Where they are: `file:PATH`, or `env:NAME` for one value.")
    format: Literal["lines", "env", "json"] = Field(
        default="lines", description="A value a line; `NAME=value` lines; or JSON, of which every text is a value."
    )
    case: Literal["exact", "fold"] = Field(default="exact", description="`fold`: case does not count, for names.")
    min_length: int = Field(default=6, ge=3, le=64, description="Shorter values are left out: they would be found in everything.")


class Detect(Written):
    """
    Detectors of your own, beside the built-in ones.
    """

    patterns: tuple[OwnPattern, ...] = Field(
        default=(), strict=False, max_length=MAX_PATTERNS_OF_OWN, description="Expressions of your own."
    )
    dictionaries: tuple[OwnDictionary, ...] = Field(
        default=(), strict=False, max_length=MAX_DICTIONARIES, description="Values of your own."
    )
    ner: Literal["off", "presidio"] = Field(
        default="off",
        description="Names, addresses and organisations, by Presidio with a model you installed (extra `ner`).",
    )
    ner_model: str | None = Field(
        default=None,
        max_length=200,
        description="The spaCy model it uses: its name, or its folder. Default: `en_core_web_lg`.",
    )


class RetentionRule(Written):
    """
    What providers may keep of which calls. Read from top to bottom; the first whose conditions all hold decides.
    """

    name: Name = Field(description="Unique; refusals name it.")
    when: When | None = Field(default=None, description="Conditions, as of rules. Left out: every call.")
    mode: Literal["zero", "default"] = Field(
        description="`zero`: set every switch the provider has, refuse what it would keep, deny providers nothing is known of. "
        "`default`: as the client asks."
    )
    on_store: Literal["set", "refuse"] = Field(default="set", description="A client that asks for storage: switch it off, or refuse.")
    attested: Names | None = Field(
        default=None,
        description="Providers for which you state what `excise retention show PROVIDER` asks for: a contract, an account setting. "
        "Also `provider/operation`, for one its entry does not cover, and `provider@DATE`, for an entry that has expired.",
    )
    verify: Literal["record", "require"] = Field(
        default="record", description="Where an answer says whether anything is kept: write it down, or cut the answer off if it is."
    )

    @model_validator(mode="after")
    def _meaningful(self) -> Self:
        if self.mode == "default" and (self.on_store != "set" or self.attested is not None or self.verify != "record"):
            raise wrong("mode default asks nothing of the provider: leave on_store, attested and verify out, or write mode: zero")
        return self
