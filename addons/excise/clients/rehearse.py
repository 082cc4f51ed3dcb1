"""
Run a command as `excise run` would, with a recorder in the proxy's place, and say which providers it tried to reach.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from excise.catalog.providers import Catalog
from excise.clients import direct
from excise.clients.environment import additions
from excise.clients.finding import Finding, Verdict
from excise.clients.recorder import Recorder, Visit
from excise.errors import SettingsError

_LOOK_SECONDS = 0.05
_REFUSED = (
    "something in it sets its own store or pins certificates: look for verify=, ca:, a trust store, SSL_CERT_FILE in its start script"
)


async def rehearse(command: list[str], catalog: Catalog, present: Mapping[str, str]) -> list[Finding]:
    """
    The command keeps its terminal. Calls to providers are answered 403 and sent nowhere; all else is passed on.

    Raises:
        SettingsError: The command cannot be started.
    """
    peers: set[str] = set()
    async with Recorder(catalog.permitted_domains(), catalog.is_provider_host) as recorder:
        environment = dict(present) | additions(recorder.url, recorder.trust, present)
        try:
            process = await asyncio.create_subprocess_exec(*command, env=environment)
        except OSError as error:
            raise SettingsError(f"{command[0]}: {error.strerror}") from error
        watching = asyncio.create_task(_watch(process.pid, peers))
        try:
            status = await process.wait()
        finally:
            watching.cancel()
            if process.returncode is None:
                process.terminate()
        await recorder.settle()
        return _findings(recorder.visits, peers, status)


async def _watch(pid: int, peers: set[str]) -> None:
    while direct.visible():
        peers |= direct.https_peers(pid)
        await asyncio.sleep(_LOOK_SECONDS)


def _findings(visits: Sequence[Visit], peers: set[str], status: int) -> list[Finding]:
    findings = []
    ours = [visit for visit in visits if visit.intercepted]
    for host in dict.fromkeys(visit.host for visit in ours):
        here = [visit for visit in ours if visit.host == host]
        requests = list(dict.fromkeys(request for visit in here for request in visit.requests))
        if requests:
            more = f" and {len(requests) - 3} more" if len(requests) > 3 else ""
            findings.append(Finding(host, Verdict.OK, f"captured: {', '.join(requests[:3])}{more}"))
        else:
            findings.append(Finding(host, Verdict.WRONG, f"comes to the proxy, refuses its certificate ({here[-1].fault})", _REFUSED))
    others = dict.fromkeys(visit.host for visit in visits if not visit.intercepted)
    if others:
        findings.append(Finding("other hosts", Verdict.OK, f"passed through unread: {', '.join(others)}"))
    if peers:
        advice = "if a provider is among them, its client ignores the environment: run `excise doctor` without a command to see which do"
        findings.append(Finding("past the proxy", Verdict.WRONG, f"connected directly to port 443 of {', '.join(sorted(peers))}", advice))
    if not ours:
        advice = "it made no call to a provider, or its client ignores the environment and its connection was too short to be seen"
        findings.append(Finding("providers", Verdict.WRONG, f"none came to the proxy (exit status {status})", advice))
    return findings
