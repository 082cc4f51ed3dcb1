"""
Files that live for a moment, and what the kernel says of processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from excise.prove import processes
from excise.prove.canaries import content, key
from excise.prove.search import Search
from excise.prove.surroundings import Linker

on_linux = pytest.mark.skipif(not processes.available(), reason="needs /proc")


def test_a_file_that_is_removed_can_still_be_searched(tmp_path: Path) -> None:
    """
    Only those whose first name is gone are given.
    """
    watched = tmp_path / "watched"
    (watched / "deep").mkdir(parents=True)
    with Linker(watched, tmp_path / "kept") as linker:
        (watched / "deep" / "gone").write_text("words")
        (watched / "stays").write_text("others")
        deadline = time.monotonic() + 5
        while len(list(linker.kept.iterdir())) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        (watched / "deep" / "gone").unlink()

    (left,) = linker.gone()
    assert left.read_text() == "words"


def inspected(script: str, home: Path, *arguments: str, **environment: str) -> processes.Inspected:
    """
    Look at a Python process that has run `script` and now waits.
    """
    wait = "\nimport sys; print('ready', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script + wait, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment}, cwd=home, text=True
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        seen = processes.inspect([child.pid], Search([SAID, USED]), home)
        child.communicate("")
    return seen


SAID, USED = content("a test"), key("a test")
QUIET = "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))"


@on_linux
def test_a_quiet_process_has_nothing_to_hide(tmp_path: Path) -> None:
    """
    No core, no canary, no file elsewhere.
    """
    seen = inspected(QUIET + "; f = open('mine', 'w')", tmp_path)

    assert (seen.processes, seen.dumping, seen.outside, seen.searched.findings) == (1, [], [], [])


@on_linux
def test_command_lines_and_environments_are_read(tmp_path: Path) -> None:
    """
    A key given there can be seen by `ps`.
    """
    seen = inspected(QUIET, tmp_path, SAID.value, SOME_KEY=USED.value)

    assert {finding.where for finding in seen.searched.findings} == {"/proc/PID/cmdline", "/proc/PID/environ"}


@on_linux
def test_a_file_without_a_name_is_read(tmp_path: Path) -> None:
    """
    Removed, but open: it is on the disk all the same.
    """
    script = f"{QUIET}; import os; f = open('gone', 'w'); f.write('ab' + os.environ['SAID'][2:]); f.flush(); os.unlink('gone')"
    seen = inspected(script, tmp_path, SAID=SAID.value)

    assert seen.unnamed >= 1  # it may have been given others
    assert "an open file without a name" in {finding.where for finding in seen.searched.findings}


@on_linux
def test_files_elsewhere_and_core_limits_are_told(tmp_path: Path) -> None:
    """
    A process that may write a core, and writes where nobody looks.
    """
    (tmp_path / "home").mkdir()
    limit = "import resource as r; h = r.getrlimit(r.RLIMIT_CORE)[1]; r.setrlimit(r.RLIMIT_CORE, (h, h))"
    script = f"{limit}; f = open('../x', 'w')"
    seen = inspected(script, tmp_path / "home")

    assert seen.outside == [str(tmp_path / "x")]
    assert len(seen.dumping) == (1 if hard_core_limit() else 0)


def hard_core_limit() -> int:
    import resource

    return resource.getrlimit(resource.RLIMIT_CORE)[1]
