"""
`excise up`, before anything runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from excise.cli import up
from excise.errors import SettingsError
from excise.supervise.settings import Settings


@pytest.mark.parametrize(
    ("program", "path", "called"),
    [
        (".venv/bin/excise", "/usr/bin", ".venv/bin/excise"),
        ("{here}/.venv/bin/excise", "/usr/bin", ".venv/bin/excise"),
        ("{here}/.venv/bin/excise", "{here}/.venv/bin", "excise"),
        ("/opt/excise/bin/excise", "/usr/bin", "/opt/excise/bin/excise"),
        ("/opt/excise/excise/cli/__main__.py", "/usr/bin", "python -m excise.cli"),
        ("-c", "/usr/bin", "excise"),
    ],
)
def test_the_greeting_names_us_as_we_were_called(
    program: str, path: str, called: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What it tells a person to type works from where they stand.
    """
    script = tmp_path / ".venv/bin/excise"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path.format(here=tmp_path))

    assert up.called_as(program.format(here=tmp_path)) == called


def test_settings_speak_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One line a fault, without the library's prefix.
    """
    monkeypatch.setenv("EXCISE_TRANSPARENT", "nowhere")
    with pytest.raises(SettingsError) as fault:
        Settings.load({"listen": "8080", "allow_private": ["10.0.0.0/8"]})

    assert fault.value.message.splitlines() == [
        "--listen (EXCISE_LISTEN): '8080': expected HOST:PORT, for example 127.0.0.1:8080",
        "--transparent (EXCISE_TRANSPARENT): 'nowhere': expected HOST:PORT, for example 127.0.0.1:8080",
    ]


def test_a_worker_is_begun_before_the_heavy_imports() -> None:
    """
    The longest part of a start is the worker's code: the command itself must not load as much before it.
    """
    code = (
        "import sys, excise.cli.up, excise.supervise.spawn\n"
        "print([name for name in ('pydantic', 'structlog', 'cryptography', 'mitmproxy') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(up.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)

    assert done.stdout == "[]\n"
