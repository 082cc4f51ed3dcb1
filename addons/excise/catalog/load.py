"""
Put the shipped catalogue and an operator's overlay together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml

from excise.catalog.places import Places
from excise.catalog.schema import CatalogSpec, EndpointSpec, FamilySpec, OperationSpec, ProviderSpec, host_fault
from excise.errors import SettingsError

SHIPPED = Path(__file__).with_name("providers.yml")

type Fault = Callable[[tuple[int | str, ...], str], SettingsError]


@dataclass(frozen=True, slots=True)
class Family:
    """
    Operations many providers share.
    """

    error: str
    common: tuple[str, ...]
    operations: tuple[OperationSpec, ...]

    def pick(self, ops: list[str] | Literal["common"] | None) -> list[OperationSpec]:
        """
        The operations an endpoint offers.
        """
        if ops is None:
            return list(self.operations)
        wanted = set(self.common if ops == "common" else ops)
        return [operation for operation in self.operations if operation.op in wanted]


@dataclass(frozen=True, slots=True)
class Provider:
    """
    One provider. `auth`: where its key may stand. `error`: the shape of its errors. `dialect`: what it mainly speaks.
    `mixed`: its hosts serve much besides model calls. `domains`: what the CA may sign for, where that is wider than the hosts.
    """

    id: str
    name: str
    hosts: tuple[str, ...]
    domains: tuple[str, ...]
    mixed: bool
    self_hosted: bool
    auth: tuple[str, ...]
    error: str
    dialect: str
    endpoints: tuple[EndpointSpec, ...]
    operations: tuple[OperationSpec, ...]


def read(overlay: Path | None) -> tuple[dict[str, Provider], dict[str, Family], dict[str, list[str]]]:
    """
    Providers by id, families by name, regions by set.

    Raises:
        SettingsError: The overlay is not right.
    """
    shipped = _shipped()
    families = {name: _family(spec) for name, spec in shipped.families.items()}
    regions = dict(shipped.regions)
    providers: dict[str, Provider] = {}
    _lay(shipped, providers, families, regions, lambda at, text: SettingsError(f"{SHIPPED}: {at}: {text}"))
    if overlay is not None:
        places = Places(overlay)
        spec = places.check(CatalogSpec)
        families |= {name: _family(family) for name, family in spec.families.items()}
        regions |= spec.regions
        _lay(spec, providers, families, regions, places.error)
    return providers, families, regions


@cache
def _shipped() -> CatalogSpec:
    # libyaml, where PyYAML was built with it, reads the file ten times faster; a test checks the file against the strict reader.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with SHIPPED.open("rb") as file:
        return CatalogSpec.model_validate(yaml.load(file, Loader=loader))  # noqa: S506 -- a safe loader, and our own file


def _family(spec: FamilySpec) -> Family:
    return Family(spec.error, tuple(spec.common), tuple(spec.operations))


def _lay(
    spec: CatalogSpec, providers: dict[str, Provider], families: dict[str, Family], regions: dict[str, list[str]], fault: Fault
) -> None:
    seen: set[str] = set()
    for place, entry in enumerate(spec.providers):
        at = ("providers", place)
        if entry.id in seen:
            raise fault((*at, "id"), f"`{entry.id}` stands here twice")
        seen.add(entry.id)
        _check(entry, at, families, regions, fault)
        if entry.like is not None and entry.like not in providers:
            raise fault((*at, "like"), f"there is no provider `{entry.like}`")
        providers[entry.id] = _merged(entry, providers.get(entry.like or entry.id), families)


def _check(
    entry: ProviderSpec, at: tuple[int | str, ...], families: dict[str, Family], regions: dict[str, list[str]], fault: Fault
) -> None:
    for key, templates in (("hosts", entry.hosts or []), ("extra_hosts", entry.extra_hosts), ("domains", entry.domains or [])):
        for place, template in enumerate(templates):
            if text := host_fault(template, regions):
                raise fault((*at, key, place), text)
            if key == "domains" and "*" in template:
                raise fault((*at, key, place), "a domain is a plain name")
    for place, endpoint in enumerate(entry.endpoints or []):
        family = families.get(endpoint.family)
        if family is None:
            raise fault((*at, "endpoints", place, "family"), f"there is no family `{endpoint.family}`: {', '.join(sorted(families))}")
        if isinstance(endpoint.ops, list):
            known = {operation.op for operation in family.operations}
            for number, op in enumerate(endpoint.ops):
                if op not in known:
                    raise fault((*at, "endpoints", place, "ops", number), f"the family `{endpoint.family}` has no operation `{op}`")


def _merged(entry: ProviderSpec, known: Provider | None, families: dict[str, Family]) -> Provider:
    endpoints = tuple(entry.endpoints) if entry.endpoints is not None else known.endpoints if known else ()
    operations = tuple(entry.operations) if entry.operations is not None else known.operations if known else ()
    # What is like another provider has his operations, not his hosts.
    inherited = known.hosts if known and entry.like is None else ()
    family = families[endpoints[0].family] if endpoints else None
    changed = entry.endpoints is not None or entry.operations is not None
    if known is None or changed:
        dialect = family.pick(endpoints[0].ops)[0].dialect if family else operations[0].dialect if operations else "unknown"
        error = family.error if family else "openai"
    else:
        dialect, error = known.dialect, known.error
    return Provider(
        id=entry.id,
        name=entry.name or (known.name if known and entry.like is None else entry.id),
        hosts=(*(entry.hosts if entry.hosts is not None else inherited), *entry.extra_hosts),
        domains=tuple(entry.domains) if entry.domains is not None else known.domains if known and entry.like is None else (),
        mixed=entry.mixed if entry.mixed is not None else bool(known and known.mixed and entry.like is None),
        self_hosted=entry.self_hosted if entry.self_hosted is not None else bool(known and known.self_hosted),
        auth=tuple(entry.auth) if entry.auth is not None else known.auth if known else (),
        error=entry.error or error,
        dialect=entry.dialect or dialect,
        endpoints=endpoints,
        operations=operations,
    )
