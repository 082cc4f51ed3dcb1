"""
What people write: the shape of a policy file and of the tests beside it.

Everything is refused that is not named here. `json_schema()` is for editors; `reference.py` prints the same as a table.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from excise.policy.choice import AliasEntry, FailoverEntry, FailoverWord
from excise.policy.protection import MAX_PROTECTIONS, Detect, RedactRule, RetentionRule
from excise.policy.steering import MAX_ALIASES, MAX_DEPLOYMENTS, MAX_ROUTES, AliasName, ProviderEntry, Route
from excise.policy.when import When
from excise.policy.words import (
    Fingerprints,
    HeaderName,
    Name,
    Networks,
    Patterns,
    SecretRefs,
    Sha256s,
    Text,
    Written,
    wrong,
)

MAX_RULES = 1000
MAX_PRINCIPALS = 10_000
MAX_PATTERNS = 5000  # of all rules together: the check for dead rules compares them pairwise

# Names of ours: principals that need no entry, and what a decision's `rule` says where no rule decided.
RESERVED_PRINCIPALS = ("anonymous", "fp_")
RESERVED_RULES = ("default", "defaults")


class Defaults(Written):
    """
    What happens where no rule speaks.
    """

    unknown: Literal["block", "allow"] = Field(
        default="block",
        description="Calls on provider hosts that are not recognised. `block` comes before all rules; `allow` leaves them to the rules.",
    )
    untrusting_clients: Literal["tunnel", "block"] = Field(
        default="block", description="Clients that refuse our certificate twice: pass them through unread, or refuse them."
    )
    on_journal_failure: Literal["block", "allow"] = Field(
        default="block", description="Calls while the journal cannot be written: refuse them, or let them go unmetered."
    )
    headers: Literal["on", "off"] = Field(default="on", description="Whether answers carry `x-excise-…` headers.")
    require_principal: bool = Field(
        default=False,
        description="Refuse calls of nobody listed under `principals`; a provider key alone, or no sign at all, is then not enough.",
    )
    websocket: Literal["block"] = Field(default="block", description="WebSocket connections to providers: refused, they cannot be metered.")
    tunnels: Literal["allow", "block"] = Field(
        default="allow", description="TLS to hosts outside the catalogue: pass through unread, or refuse."
    )
    answer_model: Literal["requested", "served"] = Field(
        default="requested", description="Which model's name a translated answer carries: what the client asked for, or what answered."
    )
    failover: FailoverWord = Field(
        default=FailoverEntry(), description="What is done when a target fails, where the entry of `routes` or the alias does not say."
    )


class Match(Written):
    """
    How a principal is known. Each way is enough by itself; they are tried in the order of this table.
    """

    proxy_user: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        pattern=r"^[^:]+$",
        description="User of the proxy URL, `http://USER:KEY@host:port`. Needs `key` or `key_sha256`.",
    )
    key: SecretRefs | None = Field(
        default=None, description="Where that user's key is: `env:NAME` or `file:PATH`. Several while keys are changed."
    )
    key_sha256: Sha256s | None = Field(default=None, description="SHA-256 of the key in hex. The key must be random, 128 bits or more.")
    header: dict[HeaderName, Text] | None = Field(
        default=None,
        min_length=1,
        max_length=8,
        description="Request headers, all of which must be there once, with these values. Needs `from`.",
    )
    from_: Networks | None = Field(
        default=None, alias="from", description="Networks whose headers are believed: clients can set headers at will."
    )
    source: Networks | None = Field(
        default=None, description="Networks of the client's address. The longest prefix of all principals wins."
    )
    provider_key: Fingerprints | None = Field(
        default=None, description="Fingerprints of the provider keys it uses, as in the ledger's `api_key_id`."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.proxy_user or self.header or self.source or self.provider_key):
            raise wrong("empty match: give at least one of proxy_user, header, source, provider_key")
        if (self.proxy_user is None) != (self.key is None and self.key_sha256 is None):
            raise wrong("proxy_user needs key or key_sha256, and those need proxy_user")
        if (self.header is None) != (self.from_ is None):
            raise wrong("header needs from (the networks whose headers are believed), and from needs header")
        return self


class PrincipalEntry(Written):
    """
    Who pays: a service, a team, a person.
    """

    id: Name = Field(description="Unique; the ledger's `principal_id`.")
    team: Name | None = Field(default=None, description="Its team.")
    app: Name | None = Field(default=None, description="Its application.")
    cost_centre: Name | None = Field(default=None, description="Where finance books it.")
    env: Name | None = Field(default=None, description="Its environment, for example `prod`.")
    tags: dict[Name, Text] = Field(default_factory=dict, max_length=32, description="Free labels for the ledger.")
    match: Match = Field(description="How it is known.")


class Rule(Written):
    """
    One rule. Rules are read from top to bottom; the first whose conditions all hold decides.
    """

    name: Name = Field(description="Unique; shown to refused callers and in the ledger.")
    when: When = Field(description="Conditions, at least one.")
    then: Literal["allow", "deny"] = Field(description="What happens.")
    reason: Text | None = Field(
        default=None, description="Told to refused callers: why, and what to do instead. Must be given with `deny`."
    )

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if self.then == "deny" and self.reason is None:
            raise wrong("a deny rule needs a reason: it is what the caller reads")
        return self


class PolicyFile(Written):
    """
    One policy file: the whole policy of its directory.
    """

    version: Annotated[int, Field(ge=1, le=1)] = Field(description="Version of this format: 1.")
    defaults: Defaults = Field(default=Defaults(), description="What happens where no rule speaks.")
    models: Patterns | None = Field(
        default=None,
        description="Model names the catalogue cannot know (Azure deployments, self-hosted models), so that rules may name them.",
    )
    principals: tuple[PrincipalEntry, ...] = Field(
        default=(), strict=False, max_length=MAX_PRINCIPALS, description="Who is known, and how."
    )
    providers: tuple[ProviderEntry, ...] = Field(
        default=(),
        strict=False,
        max_length=MAX_DEPLOYMENTS,
        description="Providers calls may be sent to with credentials of yours, for virtual keys and `routes`.",
    )
    aliases: dict[AliasName, AliasEntry] = Field(
        default_factory=dict,
        max_length=MAX_ALIASES,
        description="Model names of your own, each with its targets in order, or with all that an entry of `routes` may say of them.",
    )
    routes: tuple[Route, ...] = Field(
        default=(), strict=False, max_length=MAX_ROUTES, description="Which calls go elsewhere; in order, the first that matches decides."
    )
    rules: tuple[Rule, ...] = Field(
        default=(), strict=False, max_length=MAX_RULES, description="In order: the first rule that matches decides."
    )
    redact: tuple[RedactRule, ...] = Field(
        default=(),
        strict=False,
        max_length=MAX_PROTECTIONS,
        description="What is taken out of which calls; in order, the first that matches decides. None: nothing is scanned.",
    )
    detect: Detect = Field(default=Detect(), description="Detectors of your own.")
    retention: tuple[RetentionRule, ...] = Field(
        default=(),
        strict=False,
        max_length=MAX_PROTECTIONS,
        description="What providers may keep of which calls; in order, the first that matches decides.",
    )
    default: Literal["allow", "deny"] = Field(
        description="What happens when no rule matches. Must be the last key, so that a file cut short can never load."
    )


def json_schema() -> dict[str, Any]:
    """
    JSON Schema of a policy file, for editors (`excise policy schema`).
    """
    schema = PolicyFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Excise policy"}
