"""
Start every runtime found here as `excise run` would, let it ask for a page, and say what became of that.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from excise.clients.environment import additions
from excise.clients.finding import Finding, Verdict
from excise.clients.recorder import Recorder
from excise.clients.runtimes import Runtime

# A name that resolves nowhere (RFC 6761): what bypasses the proxy fails at once and reaches nobody.
DOMAIN: Final = "excise-doctor.invalid"
_AT_ONCE = 3
_VERSION_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Installation:
    """
    One program of a runtime. `label` tells it from others, `number` its host names.
    """

    runtime: Runtime
    program: str
    label: str
    number: int

    def host(self, way: str) -> str:
        return f"{self.runtime.name}-{self.number}-{way}.{DOMAIN}"


async def diagnose(runtimes: Iterable[Runtime], present: Mapping[str, str]) -> list[Finding]:
    """
    One finding for every way in which a runtime on this machine can ask. `present` is the environment the children get, besides
    what `excise run` sets.
    """
    found = [one for runtime in runtimes for one in await _installations(runtime, present)]
    gate = asyncio.Semaphore(_AT_ONCE)
    async with Recorder([DOMAIN], lambda host: host.endswith(DOMAIN)) as recorder:
        environment = dict(present) | additions(recorder.url, recorder.trust, present)

        async def one(installation: Installation) -> list[Finding]:
            async with gate:
                return await _probe(installation, recorder, environment)

        return [finding for findings in await asyncio.gather(*map(one, found)) for finding in findings]


async def _installations(runtime: Runtime, present: Mapping[str, str]) -> list[Installation]:
    found: dict[str, Installation] = {}
    for name in runtime.programs:
        program = shutil.which(name, path=present.get("PATH"))
        if program is None:
            continue
        code, output = await _output([program, *runtime.version], dict(present), _VERSION_SECONDS)
        lines = [line for line in output.splitlines() if line and not line.startswith("Picked up ")]
        # A shim of pyenv or asdf may stand for a version that is not installed.
        if code == 0 and lines and lines[0] not in found:
            found[lines[0]] = Installation(runtime, program, _label(runtime, lines[0]), len(found))
    return list(found.values())


def _label(runtime: Runtime, line: str) -> str:
    version = re.search(r"\d+(\.\d+)+", line)
    where = line.partition(" ")[2] if runtime.name == "python" else ""
    return " ".join(filter(None, (runtime.name, version and version[0], where and f"({where})")))


async def _probe(installation: Installation, recorder: Recorder, environment: dict[str, str]) -> list[Finding]:
    runtime = installation.runtime
    if runtime.command is None:
        return [Finding(installation.label, Verdict.UNKNOWN, "not tried", runtime.bypassed.get("", ""))]
    urls = {way: f"https://{installation.host(way)}/" for way in runtime.ways}
    code, output = await _output(runtime.command(installation.program, urls), environment, runtime.seconds)
    await recorder.settle()
    if code is None:
        return [Finding(installation.label, Verdict.WRONG, f"did not answer within {runtime.seconds:.0f} s")]
    if not runtime.sdks:
        return [_judge(installation, way, recorder, None, ()) for way in runtime.ways]
    try:
        report = json.loads(output.splitlines()[-1])
        tried, sdks, broken = report["tried"], report["found"], report["broken"]
    except (ValueError, IndexError, KeyError, TypeError):
        detail = f"the probe did not run (exit status {code})"
        return [Finding(installation.label, Verdict.UNKNOWN, detail, f"try `{installation.program}` by hand")]
    users = {way: [sdk for sdk in sdks if runtime.sdks.get(sdk) == way] for way in tried}
    findings = [_judge(installation, way, recorder, error, users[way]) for way, error in tried.items()]
    unable = [Finding(f"{installation.label} {way}", Verdict.UNKNOWN, f"does not run here ({error})") for way, error in broken.items()]
    return findings + unable


def _judge(installation: Installation, way: str, recorder: Recorder, error: str | None, sdks: Iterable[str]) -> Finding:
    runtime = installation.runtime
    subject = installation.label if runtime.ways == (way,) else f"{installation.label} {way}"
    if used := ", ".join(sdks):
        subject += f", as {used} use it"
    visits = recorder.visits_to(installation.host(way))
    if any(visit.trusted for visit in visits):
        return Finding(subject, Verdict.OK, "captured, certificate accepted")
    if visits:
        return Finding(subject, Verdict.WRONG, f"comes to the proxy, refuses its certificate ({visits[-1].fault})", runtime.untrusted)
    detail = "bypasses the proxy" + (f" ({error})" if error else "")
    return Finding(subject, Verdict.WRONG, detail, runtime.bypassed.get(way, runtime.bypassed.get("", _LOOK)))


_LOOK: Final = "look for a proxy, a mount or a transport set in the code, and for NO_PROXY"


async def _output(command: list[str], environment: dict[str, str], seconds: float) -> tuple[int | None, str]:
    """
    Exit status (`None`: it took too long and was ended) and what it printed.
    """
    environment = {**environment, "GIT_TERMINAL_PROMPT": "0"}
    try:
        # A session of its own: what a probe starts is ended with it.
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, env=environment, start_new_session=True
        )
    except OSError:
        return 127, ""
    try:
        async with asyncio.timeout(seconds):
            output, _ = await process.communicate()
        return process.returncode, output.decode("utf-8", "replace")
    except TimeoutError:
        os.killpg(process.pid, 9)
        await process.wait()
        return None, ""
