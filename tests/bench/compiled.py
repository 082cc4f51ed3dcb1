"""
The benchmark's two C programs, compiled once for this source and kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent
FLAGS = ("-O2", "-Wall", "-Wextra")
LIBRARIES = ("-lssl", "-lcrypto", "-lpthread")


def program(name: str) -> Path:
    """
    The compiled `name`.c.

    Raises:
        SystemExit: There is no C compiler, or no OpenSSL headers. A generator in Python would be slower than what it measures.
    """
    source = SOURCES / f"{name}.c"
    mark = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "excise-bench"
    built = folder / f"{name}-{mark}"
    if built.exists():
        return built
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("scripts/bench needs a C compiler (Debian: apt install gcc libssl-dev)")
    folder.mkdir(parents=True, exist_ok=True)
    fresh = built.with_suffix(f".{os.getpid()}")
    done = subprocess.run([compiler, *FLAGS, "-o", str(fresh), str(source), *LIBRARIES], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"scripts/bench: {source.name} does not compile; are the OpenSSL headers there (libssl-dev)?\n{done.stderr}")
    fresh.rename(built)
    return built
