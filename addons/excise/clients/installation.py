"""
Is what runs here in order: the authority, the proxy, the ledger, the policy, the environment of the caller.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from excise.catalog.providers import Catalog
from excise.clients.environment import BUNDLE_VARIABLES, CA_VARIABLES, PROXY_VARIABLES
from excise.clients.finding import Finding, Verdict
from excise.clients.ready import Ready, proxy_address, read_ready, require_alive
from excise.errors import CertificateError, PolicyError, SettingsError
from excise.policy.known import known_names
from excise.policy.load import load_policy
from excise.trust.authority import INTERMEDIATE_FILE
from excise.trust.domains import Domains
from excise.trust.issue import permitted_subtrees
from excise.trust.roots import certificates_in

_EXPIRES_SOON: Final = timedelta(days=30)
# A loader that is this far behind the journal is not merely between two publications.
_STALE_SECONDS: Final = 60.0


def inspect(data: Path, policies: Path, catalog: Catalog, present: Mapping[str, str]) -> list[Finding]:
    """
    One finding a thing; `present` is the environment the doctor was started in.
    """
    findings = [_policy(policies)]
    ready: Ready | None = None
    try:
        ready = read_ready(data)
    except SettingsError as error:
        findings.append(Finding("proxy", Verdict.WRONG, error.message))
    else:
        findings += [_proxy(ready), *_authority(ready, catalog), _ledger(ready, data)]
    return findings + _surroundings(present, catalog, ready)


def _policy(where: Path) -> Finding:
    if not where.exists():
        return Finding("policy", Verdict.UNKNOWN, f"{where.absolute()} is not there", "name the folder with --policies")
    try:
        policy = load_policy(where, known=known_names())
    except PolicyError as error:
        return Finding(
            "policy", Verdict.WRONG, error.message, "a running proxy keeps the last good policy; `excise policy check` shows more"
        )
    return Finding("policy", Verdict.OK, policy.id)


def _proxy(ready: Ready) -> Finding:
    try:
        require_alive(ready.proxy_url)
    except SettingsError as error:
        return Finding("proxy", Verdict.WRONG, error.message)
    host, port = proxy_address(ready.proxy_url)
    return Finding("proxy", Verdict.OK, f"answers at {host}:{port}")


def _authority(ready: Ready, catalog: Catalog) -> list[Finding]:
    path = ready.trust.ca
    # The intermediates stand beside the root where the proxy runs, and end long before it.
    beside = path.with_name(INTERMEDIATE_FILE)
    try:
        chain = [one for file in (path, beside) if file.is_file() for one in x509.load_pem_x509_certificates(file.read_bytes())]
        ours = chain[0]
    except (OSError, ValueError, IndexError):
        return [Finding("authority", Verdict.WRONG, f"{path} cannot be read as a certificate", "`excise up` makes one where there is none")]
    ends, now = min(one.not_valid_after_utc for one in chain), datetime.now(UTC)
    missing = Domains(permitted_subtrees(ours)).missing(catalog.permitted_domains())
    if ends < now + _EXPIRES_SOON:
        word = "expired" if ends < now else "expires"
        findings = [Finding("authority", Verdict.WRONG, f"{word} on {ends:%Y-%m-%d}", "run `excise certs renew`")]
    elif missing:
        detail = f"may not sign for {len(missing)} domains of the catalogue: {', '.join(missing[:3])}"
        findings = [Finding("authority", Verdict.WRONG, detail, "run `excise certs renew`")]
    else:
        findings = [Finding("authority", Verdict.OK, f"{path}, until {ends:%Y-%m-%d}")]
    if ready.trust.truststore is None:
        findings.append(Finding("trust store for Java", Verdict.UNKNOWN, "none was made", "Java programs will refuse the certificate"))
    return [*findings, _bundle(ready.trust.bundle, ours)]


def _bundle(path: Path, ours: x509.Certificate) -> Finding:
    try:
        text = path.read_bytes()
    except OSError as error:
        return Finding("bundle", Verdict.WRONG, f"{path} cannot be read ({error.strerror})", "`excise up` writes it anew")
    # Compared as text: a bundle holds the machine's roots too, and some of those are too odd to be parsed.
    if ours.public_bytes(Encoding.PEM) not in text:
        return Finding("bundle", Verdict.WRONG, f"{path} does not hold our certificate", "`excise up` writes it anew")
    return Finding("bundle", Verdict.OK, f"{path}, {text.count(b'BEGIN CERTIFICATE')} certificates")


def _ledger(ready: Ready, data: Path) -> Finding:
    if ready.ledger_pid is not None and not _running(ready.ledger_pid):
        return Finding(
            "ledger", Verdict.WRONG, "its process is gone", "stop `excise up` and start it again; the journal is kept and read then"
        )
    try:
        published = ready.ledger.stat().st_mtime
    except OSError:
        return Finding(
            "ledger", Verdict.WRONG, f"{ready.ledger} is not there", "it appears seconds after `excise up` says ready; see its log"
        )
    journal = data / "journal"
    written = max((path.stat().st_mtime for path in journal.rglob("*") if path.is_file()), default=0.0) if journal.is_dir() else 0.0
    behind = min(written, time.time()) - published
    if behind > _STALE_SECONDS:
        return Finding("ledger", Verdict.WRONG, f"{behind:.0f} s behind the journal", "see the log of `excise up`; is the disk full?")
    return Finding("ledger", Verdict.OK, f"{ready.ledger}, published {datetime.fromtimestamp(published, UTC):%Y-%m-%d %H:%M:%S} UTC")


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _surroundings(present: Mapping[str, str], catalog: Catalog, ready: Ready | None) -> list[Finding]:
    findings = []
    for name in ("NO_PROXY", "no_proxy"):
        exempt = [part.strip() for part in present.get(name, "").split(",") if part.strip()]
        if open_to := [part for part in exempt if part == "*" or _exempts(part, catalog)]:
            advice = "take it out: `excise run` adds to this list, it does not shorten it"
            findings.append(Finding(name, Verdict.WRONG, f"exempts providers: {', '.join(open_to)}", advice))
        if fatal := [part for part in exempt if "[" in part or (":" in part and "/" in part)]:
            advice = "httpx, and with it most Python SDKs, does not start with it (encode/httpx issue 3221)"
            findings.append(Finding(name, Verdict.WRONG, f"holds {', '.join(fatal)}", advice))
    for name in PROXY_VARIABLES:
        if (other := present.get(name)) and _address(other) != (ready and _address(ready.proxy_url)):
            advice = "where all traffic must go through that one, start `excise up --upstream-proxy URL` with it"
            findings.append(Finding(name, Verdict.UNKNOWN, "names another proxy, which `excise run` replaces", advice))
            break
    return findings + _stores(present, ready)


def _stores(present: Mapping[str, str], ready: Ready | None) -> list[Finding]:
    """
    What the caller trusts and a child of `excise run` would not: a company's own authority, most often.
    """
    findings = []
    try:
        offered = set(certificates_in(ready.trust.bundle)) if ready else None
    except CertificateError:
        offered = None  # said already
    named: dict[str, list[str]] = {}
    for name in (*BUNDLE_VARIABLES, *CA_VARIABLES):
        if file := present.get(name):
            named.setdefault(file, []).append(name)
    for file, names in named.items():
        subject = names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")
        try:
            missing = 0 if offered is None else len(set(certificates_in(Path(file))) - offered)
        except CertificateError as error:
            findings.append(Finding(subject, Verdict.UNKNOWN, error.message, "`excise run` replaces it"))
            continue
        if missing:
            advice = "start `excise up` with SSL_CERT_FILE set to a file that holds them too: its bundle is made from that"
            findings.append(
                Finding(subject, Verdict.UNKNOWN, f"`excise run` replaces {file}: {missing} of its certificates are lost", advice)
            )
    return findings


def _address(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _exempts(part: str, catalog: Catalog) -> bool:
    name = part.removeprefix("*").removeprefix(".").partition(":")[0].lower()
    return catalog.is_provider_host(name) or any(f".{domain}".endswith(f".{name}") for domain in catalog.permitted_domains())
