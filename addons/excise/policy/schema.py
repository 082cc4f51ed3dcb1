"""
What people write: the shape of a policy file and of the tests beside it.

Everything is refused that is not named here. `json_schema()` is for editors; `reference.py` prints the same as a table.
Values that are lists may be written as one value.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from excise.exchange import Capture
from excise.policy.glob import MAX_PATTERN, check_pattern

MAX_RULES = 1000
MAX_PRINCIPALS = 10_000
MAX_VALUES = 200  # of one condition
MAX_PATTERNS = 5000  # of all rules together: the check for dead rules compares them pairwise

# Names of ours: principals that need no entry, and what a decision's `rule` says where no rule decided.
RESERVED_PRINCIPALS = ("anonymous", "fp_")
RESERVED_RULES = ("default", "defaults")

_SECRET = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"fp_[0-9a-f]{20}")
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
# Headers that carry credentials: matching them would put a secret into YAML.
_CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie"})


def _wrong(text: str) -> PydanticCustomError:
    # Texts of ours only: pydantic's own ValueError wrapping adds "Value error, ", and inputs (which may be secrets) stay out.
    return PydanticCustomError("policy", "{text}", {"text": text})


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _network(value: Any) -> IPv4Network | IPv6Network:
    if not isinstance(value, str):
        raise _wrong("a network in CIDR form is expected, for example 10.0.0.0/8")
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise _wrong("not a network in CIDR form, for example 10.0.0.0/8") from None
    if ip_interface(value).ip != network.network_address:
        raise _wrong(f"{value} has host bits set: write {network}")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise _wrong("write IPv4-mapped networks as IPv4: such addresses are compared as IPv4")
    return network


def _capture(value: Any) -> Capture:
    if isinstance(value, str) and value in list(Capture):
        return Capture(value)
    raise _wrong(f"one of {', '.join(Capture)} is expected")


def _matching(pattern: re.Pattern[str], text: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise _wrong(text)
        return value

    return AfterValidator(check)


def _pattern(value: str) -> str:
    try:
        return check_pattern(value)
    except ValueError as error:
        raise _wrong(str(error)) from error


def _header_name(value: str) -> str:
    if not _HEADER_NAME.fullmatch(value):
        raise _wrong("a header name in lower case is expected")
    if value in _CREDENTIAL_HEADERS:
        raise _wrong("this header carries credentials; use proxy_user with key, or provider_key")
    return value


_ONE_OR_MORE = Field(min_length=1, max_length=MAX_VALUES)
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/@+-]*$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Pattern = Annotated[str, Field(max_length=MAX_PATTERN), AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str]), _ONE_OR_MORE]
Names = Annotated[tuple[Name, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str]), _ONE_OR_MORE]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network, json_schema_input_type=str), PlainSerializer(str)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str]), _ONE_OR_MORE]
SecretRef = Annotated[str, _matching(_SECRET, "secrets are never written here: use env:NAME, file:PATH, or key_sha256")]
SecretRefs = Annotated[tuple[SecretRef, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str]), _ONE_OR_MORE]
Sha256 = Annotated[str, _matching(_SHA256, "64 lower-case hex digits are expected: the SHA-256 of the key")]
Sha256s = Annotated[tuple[Sha256, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str]), _ONE_OR_MORE]
Fingerprint = Annotated[str, _matching(_FINGERPRINT, "fp_ and 20 hex digits are expected, as the ledger's api_key_id shows them")]
Fingerprints = Annotated[tuple[Fingerprint, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str]), _ONE_OR_MORE]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Captures = Annotated[
    tuple[Annotated[Capture, BeforeValidator(_capture, json_schema_input_type=Capture)], ...],
    BeforeValidator(_listed, json_schema_input_type=Capture | list[Capture]),
    _ONE_OR_MORE,
]


class _Written(BaseModel):
    # Strict: YAML 1.2 leaves `yes` and `on` strings, and pydantic's lax mode would turn them into booleans again.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Defaults(_Written):
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


class Match(_Written):
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
            raise _wrong("empty match: give at least one of proxy_user, header, source, provider_key")
        if (self.proxy_user is None) != (self.key is None and self.key_sha256 is None):
            raise _wrong("proxy_user needs key or key_sha256, and those need proxy_user")
        if (self.header is None) != (self.from_ is None):
            raise _wrong("header needs from (the networks whose headers are believed), and from needs header")
        return self


class PrincipalEntry(_Written):
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


class When(_Written):
    """
    Conditions of a rule: all must hold; of a list, one value is enough. What nobody said matches no pattern, except that in a `deny`
    rule a billed call that names no model counts as matching `model`.
    """

    principal: Patterns | None = Field(
        default=None, description="Principal ids; `anonymous`, and `fp_…` for keys nobody owns, too. `*` is a wildcard."
    )
    team: Patterns | None = Field(default=None, description="Teams. `*` is a wildcard.")
    app: Patterns | None = Field(default=None, description="Applications. `*` is a wildcard.")
    env: Patterns | None = Field(default=None, description="Environments. `*` is a wildcard.")
    provider: Names | None = Field(default=None, description="Providers, by their id in the catalogue.")
    operation: Names | None = Field(default=None, description="Operations, as the catalogue names them: `chat`, `embeddings`, …")
    model: Patterns | None = Field(default=None, description="Requested models. `*` is a wildcard; case does not count.")
    capture: Captures | None = Field(default=None, description="How the call came: by proxy setting, by redirection, or to our endpoint.")
    source: Networks | None = Field(default=None, description="Networks of the client's address.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set or all(getattr(self, name) is None for name in self.model_fields_set):
            raise _wrong("empty match: give at least one condition, or use `default` for what matches everything")
        return self


class Rule(_Written):
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
            raise _wrong("a deny rule needs a reason: it is what the caller reads")
        return self


class PolicyFile(_Written):
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
    rules: tuple[Rule, ...] = Field(
        default=(), strict=False, max_length=MAX_RULES, description="In order: the first rule that matches decides."
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
