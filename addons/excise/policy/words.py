"""
The words policies are written in: names, patterns, networks, references to secrets.

Values that are lists may be written as one value.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from excise.exchange import Capture
from excise.policy.glob import MAX_PATTERN, check_pattern

MAX_VALUES = 200  # of one condition

_SECRET = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT = re.compile(r"fp_[0-9a-f]{20}")
HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
# Headers that carry credentials: matching them would put a secret into YAML.
CREDENTIAL_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "xi-api-key",
        "cookie",
        "x-amz-security-token",
        "cf-aig-authorization",
        "helicone-auth",
        "x-portkey-api-key",
    }
)


def wrong(text: str) -> PydanticCustomError:
    # Texts of ours only: pydantic's own ValueError wrapping adds "Value error, ", and inputs (which may be secrets) stay out.
    return PydanticCustomError("policy", "{text}", {"text": text})


def listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _network(value: Any) -> IPv4Network | IPv6Network:
    if not isinstance(value, str):
        raise wrong("a network in CIDR form is expected, for example 10.0.0.0/8")
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise wrong("not a network in CIDR form, for example 10.0.0.0/8") from None
    if ip_interface(value).ip != network.network_address:
        raise wrong(f"{value} has host bits set: write {network}")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise wrong("write IPv4-mapped networks as IPv4: such addresses are compared as IPv4")
    return network


def _capture(value: Any) -> Capture:
    if isinstance(value, str) and value in list(Capture):
        return Capture(value)
    raise wrong(f"one of {', '.join(Capture)} is expected")


def fits(pattern: re.Pattern[str], text: str) -> AfterValidator:
    """
    The whole value must match `pattern`; `text` says so.
    """

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise wrong(text)
        return value

    return AfterValidator(check)


def _pattern(value: str) -> str:
    try:
        return check_pattern(value)
    except ValueError as error:
        raise wrong(str(error)) from error


def _header_name(value: str) -> str:
    if not HEADER_NAME.fullmatch(value):
        raise wrong("a header name in lower case is expected")
    if value in CREDENTIAL_HEADERS:
        raise wrong("this header carries credentials; use proxy_user with key, or provider_key")
    return value


ONE_OR_MORE = Field(min_length=1, max_length=MAX_VALUES)
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/@+-]*$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Pattern = Annotated[str, Field(max_length=MAX_PATTERN), AfterValidator(_pattern)]
Patterns = Annotated[tuple[Pattern, ...], BeforeValidator(listed, json_schema_input_type=str | list[str]), ONE_OR_MORE]
Names = Annotated[tuple[Name, ...], BeforeValidator(listed, json_schema_input_type=str | list[str]), ONE_OR_MORE]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network, json_schema_input_type=str), PlainSerializer(str)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(listed, json_schema_input_type=str | list[str]), ONE_OR_MORE]
SecretRef = Annotated[str, fits(_SECRET, "secrets are never written here: use env:NAME, file:PATH, or key_sha256")]
SecretRefs = Annotated[tuple[SecretRef, ...], BeforeValidator(listed, json_schema_input_type=str | list[str]), ONE_OR_MORE]
Sha256 = Annotated[str, fits(_SHA256, "64 lower-case hex digits are expected: the SHA-256 of the key")]
Sha256s = Annotated[tuple[Sha256, ...], BeforeValidator(listed, json_schema_input_type=str | list[str]), ONE_OR_MORE]
Fingerprint = Annotated[str, fits(_FINGERPRINT, "fp_ and 20 hex digits are expected, as the ledger's api_key_id shows them")]
Fingerprints = Annotated[tuple[Fingerprint, ...], BeforeValidator(listed, json_schema_input_type=str | list[str]), ONE_OR_MORE]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Captures = Annotated[
    tuple[Annotated[Capture, BeforeValidator(_capture, json_schema_input_type=Capture)], ...],
    BeforeValidator(listed, json_schema_input_type=Capture | list[Capture]),
    ONE_OR_MORE,
]


class Written(BaseModel):
    """
    Anything a person writes. Strict: YAML 1.2 leaves `yes` and `on` strings, and pydantic's lax mode would turn them into booleans again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
