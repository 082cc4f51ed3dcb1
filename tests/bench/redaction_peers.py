"""
Others on the same texts: Presidio and detect-secrets, each in an environment that is made once, outside the repository.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

PACKAGES = {"detect-secrets": "detect-secrets", "presidio": "presidio-analyzer"}
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "excise-bench"
INSTALL_SECONDS, RUN_SECONDS = 900, 1800


class NotAvailable(Exception):
    """
    A peer cannot be run here; the text says why.
    """


@dataclass(frozen=True, slots=True)
class Ran:
    """
    What a peer found: spans (start, end, its own type) of each text, and the CPU time of its scanning.
    """

    spans: list[list[tuple[int, int, str]]]
    cpu_seconds: float


def run(peer: str, texts: list[str]) -> Ran:
    """
    Let a peer scan the texts, with as much output as there is input.

    Raises:
        NotAvailable: It could not be installed, or failed.
    """
    command = [str(_environment(peer)), str(Path(__file__).with_name("redaction_peer.py")), peer]
    given = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=RUN_SECONDS, check=True)
    except subprocess.CalledProcessError as error:
        raise NotAvailable(f"failed: {_last_line(error.stderr)}") from error
    except subprocess.TimeoutExpired as error:
        raise NotAvailable(f"not done after {RUN_SECONDS} s") from error
    *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
    return Ran([[(start, end, kind) for start, end, kind in line["spans"]] for line in lines], last["cpu_seconds"])


def _environment(peer: str) -> Path:
    folder = FOLDER / f"{peer}-{sys.version_info.major}.{sys.version_info.minor}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", PACKAGES[peer]]
        try:
            subprocess.run(install, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=True)
        except subprocess.CalledProcessError as error:
            raise NotAvailable(f"pip could not install {PACKAGES[peer]}: {_last_line(error.stderr)}") from error
        except subprocess.TimeoutExpired as error:
            raise NotAvailable(f"pip was not done after {INSTALL_SECONDS} s") from error
        ready.touch()
    return python


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no word why")[:200]
