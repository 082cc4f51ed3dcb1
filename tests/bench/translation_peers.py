"""
LiteLLM beside us: a process of its own, in an environment that is made once, outside the repository.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.translation_jobs import Job

# boto3 cuts Bedrock's streams for it; orjson is what its proxy reads bodies with; without mcp no call with tools comes through.
PACKAGES = ("litellm", "boto3", "orjson", "mcp")
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "excise-bench"
INSTALL_SECONDS = 900


class NotAvailable(Exception):
    """
    LiteLLM cannot be run here; the text says why.
    """


class LiteLlm:
    """
    The running process; use as a context.

    Raises:
        NotAvailable: It could not be installed, or does not start.
    """

    def __init__(self, jobs: Sequence[Job], folder: Path) -> None:
        file = folder / "jobs.json"
        file.write_text(json.dumps([_told(job) for job in jobs]))
        # Nothing of ours goes along: no keys that it would pick up, no proxies, no `.env` of the working directory.
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "LITELLM_MODE": "PRODUCTION"}
        self._log = (folder / "litellm.log").open("w+")
        self._process = subprocess.Popen(
            [str(_environment()), str(Path(__file__).with_name("translation_peer.py")), str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=folder,
            env=environment,
        )

    def cost(self, job: int, seconds: float, way: str = "parsed") -> dict[str, Any]:
        """
        What it spends on one of the jobs: `seconds` and `bytes`, or `error`.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(f"{job} {seconds} {way}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._log.seek(0)
            raise NotAvailable(f"LiteLLM ended: {_last_line(self._log.read())}")
        told: dict[str, Any] = json.loads(line)
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()


def version() -> str:
    """
    Of the LiteLLM that is installed.

    Raises:
        NotAvailable: It could not be installed.
    """
    code = "import importlib.metadata as m; print(m.version('litellm'))"
    return subprocess.run([str(_environment()), "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def _told(job: Job) -> dict[str, Any]:
    pieces = [base64.b64encode(piece).decode() for piece in job.pieces]
    return {"kind": job.kind, "client": job.client, "peer": job.aim.peer, "model": job.aim.model, "pieces": pieces}


def _environment() -> Path:
    folder = FOLDER / f"litellm-{sys.version_info.major}.{sys.version_info.minor}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if ready.is_file():
        return python
    sys.stderr.write(f"installing {', '.join(PACKAGES)} into {folder}\n")
    uv = shutil.which("uv")
    folder.mkdir(parents=True, exist_ok=True)
    venv.create(folder, with_pip=uv is None, clear=True)
    install = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
    try:
        subprocess.run([*install, "--quiet", *PACKAGES], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=True)
    except subprocess.CalledProcessError as error:
        raise NotAvailable(f"LiteLLM could not be installed: {_last_line(error.stderr)}") from error
    except subprocess.TimeoutExpired as error:
        raise NotAvailable(f"LiteLLM was not installed after {INSTALL_SECONDS} s") from error
    ready.touch()
    return python


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no word why")[:200]
