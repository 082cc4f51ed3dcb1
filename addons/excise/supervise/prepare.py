"""
Before the first process is given its order: everything a person can have got wrong is found here, once, and not once in every worker.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import structlog

from excise.catalog.prices import Prices
from excise.catalog.providers import Catalog
from excise.catalog.quality import load_quality
from excise.errors import CertificateError, SettingsError
from excise.policy.compile import Policy
from excise.policy.known import known_names
from excise.policy.store import PolicyStore
from excise.supervise.settings import Settings
from excise.trust.authority import ROOT_FILE, Authority
from excise.trust.bundle import Bundle, write_bundle


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    What can be served. `made`: how many domains the CA that was made now may sign for; `None`: there was one.
    """

    settings: Settings
    bundle: Bundle
    made: int | None


def prepare(settings: Settings, *, named_policies: bool) -> Prepared:
    """
    Args:
        named_policies: Somebody chose the policy directory; the default one may be missing.

    Raises:
        ExciseError: A directory cannot be made, a file cannot be read, the policy is wrong, the CA is broken.
    """
    settings = settle(settings, named_policies=named_policies)
    policy = check_files(settings)
    bundle, made = trust(settings)
    if text := warn_of_strangers(settings, policy):
        structlog.get_logger("excise.supervisor").warning(text)
    return Prepared(settings, bundle, made)


def settle(settings: Settings, *, named_policies: bool) -> Settings:
    """
    Make paths absolute, and take the shipped policy where no directory is named and none is here.
    """
    where = settings.policies
    if not named_policies and where == Settings.model_fields["policies"].default and not where.is_dir():
        package = Path(__file__).resolve().parent.parent
        where = next((path for path in (package / "policies", package.parent.parent / "policies") if path.is_dir()), where)
    paths = {"policies": where, "data": settings.data, "certs": settings.certs}
    named = ("providers", "prices", "quality", "classifier", "upstream_ca")
    optional = {name: value for name in named if (value := getattr(settings, name)) is not None}
    return settings.model_copy(update={name: path.absolute() for name, path in (paths | optional).items()})


def check_files(settings: Settings) -> Policy:
    """
    Raises:
        ExciseError: A directory cannot be made, a file cannot be read, or the policy is wrong.
    """
    for name in ("data", "certs"):
        try:
            getattr(settings, name).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SettingsError(f"--{name} {getattr(settings, name)}: cannot be made ({error.strerror})") from error
    if settings.upstream_ca is not None and not settings.upstream_ca.is_file():
        raise SettingsError(f"--upstream-ca {settings.upstream_ca}: no such file")
    store = PolicyStore(settings.policies, known=known_names(settings.providers, prices=settings.prices, quality=settings.quality))
    if settings.prices is not None:
        Prices.load(settings.prices)
    if settings.quality is not None:
        load_quality(settings.quality)
    if settings.classifier is not None:
        from excise.classifier import load_classifier  # here: it brings the words of all tasks, which only workers need

        load_classifier(settings.classifier)
    return store.current


def trust(settings: Settings) -> tuple[Bundle, int | None]:
    """
    The CA, made if there is none, and the files clients are pointed at.

    Raises:
        CertificateError: The CA is broken or expired, or does not cover the catalogue.
    """
    domains = Catalog.load(settings.providers).permitted_domains()
    made = not (settings.certs / ROOT_FILE).exists()
    if made:
        Authority.create(settings.certs, permitted_domains=domains)
    authority = Authority.load(settings.certs)
    missing = [domain for domain in domains if not authority.domains.covers(domain)]
    if missing and settings.providers is not None:
        raise CertificateError(f"the CA does not cover {', '.join(missing[:5])}: run `excise certs renew --certs {settings.certs}`")
    for warning in authority.warnings:
        structlog.get_logger("excise.certs").warning(warning)
    return write_bundle(settings.certs), len(authority.domains.names) if made else None


def warn_of_strangers(settings: Settings, policy: Policy) -> str | None:
    """
    What to say of a listener that strangers can use to go anywhere; `None`: nothing.
    """
    host = settings.listen[0]
    if policy.defaults.require_principal or policy.defaults.tunnels != "allow" or _is_loopback(host):
        return None
    return f"--listen {host}: anybody who reaches it can use it, for tunnels to other hosts too; policy: defaults.require_principal: true"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
