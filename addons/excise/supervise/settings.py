"""
Settings of one installation: flags, `EXCISE_…` variables and defaults, in that order of strength.

Policies say what is allowed and are reloaded; settings say where things are and need a restart.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from excise.errors import SettingsError


class Resolve(BaseModel):
    """
    `HOST:PORT:ADDR[:PORT]`: where a name is really reached, as curl's `--resolve`; the second port redirects the port too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    port: int = Field(ge=1, le=65535)
    address: str
    to_port: int = Field(ge=1, le=65535)

    @classmethod
    def parse(cls, text: str) -> Resolve:
        """
        Raises:
            ValueError: The text is not `HOST:PORT:ADDR[:PORT]`; IPv6 addresses stand in brackets.
        """
        host, _, rest = text.partition(":")
        port, _, target = rest.partition(":")
        if target.startswith("["):
            address, _, tail = target[1:].partition("]")
            to_port = tail.removeprefix(":")
        else:
            address, _, to_port = target.partition(":")
        try:
            ipaddress.ip_address(address)
            return cls(host=host.lower(), port=int(port), address=address, to_port=int(to_port or port))
        except ValueError as error:
            raise ValueError(f"{text!r}: expected HOST:PORT:ADDR[:PORT], ADDR an IP address (IPv6 in brackets)") from error


def _resolves(value: Any) -> Any:
    if isinstance(value, str):
        value = [part for part in value.split(",") if part]
    return [Resolve.parse(part) if isinstance(part, str) else part for part in value]


def _listed(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _listen(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{value!r}: expected HOST:PORT, for example 127.0.0.1:8080")
    return (host.strip("[]"), int(port))


Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, Field(union_mode="left_to_right")]


class Settings(BaseModel):
    """
    Everything `excise up` can be told. Each field is a flag (`--data`) and a variable (`EXCISE_DATA`); lists are comma-separated there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: Annotated[tuple[str, int], BeforeValidator(_listen)] = ("127.0.0.1", 8080)
    transparent: Annotated[tuple[str, int] | None, BeforeValidator(_listen)] = None  # a second listener for redirected connections
    workers: int = Field(default=1, ge=1, le=64)
    policies: Path = Path("policies")
    data: Path = Path("data")
    certs: Path = Path("certs")
    providers: Path | None = None  # an operator's own catalogue entries, same form as providers.yml
    prices: Path | None = None  # an operator's own prices, over the shipped ones
    quality: Path | None = None  # an operator's own scores of models, over the shipped ones
    classifier: Path | None = None  # a folder with a static embedding model: a second opinion on tasks
    upstream_ca: Path | None = None  # trusted beside the system's
    resolve: Annotated[tuple[Resolve, ...], BeforeValidator(_resolves)] = ()
    allow_private: Annotated[tuple[Network, ...], BeforeValidator(_listed)] = ()
    upstream_proxy: str | None = None  # http://[user:password@]host:port
    journal_sync: Literal["interval", "always"] = "interval"
    publish_seconds: float = Field(default=2.0, ge=0.2, le=60)
    drain_seconds: float = Field(default=30.0, ge=0, le=3600)
    connect_timeout_seconds: float = Field(default=10.0, gt=0)
    first_byte_timeout_seconds: float = Field(default=600.0, gt=0)  # longer than the longest thinking pause
    idle_timeout_seconds: float = Field(default=600.0, gt=0)  # between bytes of an answer, and of an idle tunnel or client
    max_body_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    max_connections: int = Field(default=4096, ge=1)  # per worker

    @classmethod
    def load(cls, flags: dict[str, Any]) -> Settings:
        """
        Merge flags (those not `None`) over `EXCISE_…` variables over defaults.

        Raises:
            SettingsError: With one line a fault, naming flag and variable.
        """
        given: dict[str, Any] = {}
        for name in cls.model_fields:
            variable = os.environ.get(f"EXCISE_{name.upper()}")
            if variable not in (None, ""):
                given[name] = variable
        given.update({name: value for name, value in flags.items() if value is not None and value != []})
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            lines = []
            for fault in error.errors():
                name = str(fault["loc"][0]) if fault["loc"] else "settings"
                lines.append(f"--{name.replace('_', '-')} (EXCISE_{name.upper()}): {fault['msg'].removeprefix('Value error, ')}")
            raise SettingsError("\n".join(lines)) from error

    @property
    def ready_file(self) -> Path:
        """
        Written when every worker serves: pids, addresses, CA path.
        """
        return self.data / "ready.json"

    @property
    def journal_dir(self) -> Path:
        return self.data / "journal"

    @property
    def published(self) -> Path:
        """
        The ledger analysts open.
        """
        return self.data / "usage.duckdb"
