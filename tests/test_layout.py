"""
The layout check finds what it is there to find, and our own tree passes it.
"""

from __future__ import annotations

import runpy
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
faults = runpy.run_path(str(ROOT / "scripts/layout.py"))["faults"]


def tree(folder: Path, name: str, text: str) -> Path:
    """
    A repository with the packages of ours and one file.
    """
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    for package in ("wire", "policy", "proxy", "stages", "cli", "ledger", "catalog"):
        (folder / "addons/excise" / package).mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    subprocess.run(["git", "-C", str(folder), "add", "."], check=True)
    return folder


def test_our_own_tree_is_in_shape():
    """
    Arrows, sizes, names, no path of anybody's machine.
    """
    assert faults(ROOT) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("addons/excise/wire/sse.py", "import socket\n", "imports socket, and wire/ is pure"),
        ("addons/excise/wire/sse.py", "def f():\n    import time\n", "imports time"),
        ("addons/excise/wire/sse.py", "from urllib import request\n", "imports urllib.request"),
        ("addons/excise/wire/sse.py", "def f():\n    return open('x')\n", "calls open()"),
        ("addons/excise/policy/decide.py", "from pathlib import Path\n", "imports pathlib, and policy/ is pure"),
        ("addons/excise/privacy/vault.py", "import os\n", "imports os, and privacy/ is pure"),
        ("addons/excise/routing/plan.py", "import random\n", "imports random, and routing/ is pure"),
        ("addons/excise/wire/sse.py", "from excise.stages import send\n", "imports stages/: wire/ stands below it"),
        ("addons/excise/wire/sse.py", "from ..stages import send\n", "imports stages/"),
        ("addons/excise/stages/send.py", "from excise.proxy.gateway import Gateway\n", "imports proxy/"),
        ("addons/excise/stages/send.py", "from excise import proxy\n", "imports proxy/"),
        ("addons/excise/ledger/hot.py", "import excise.cli.sql\n", "imports cli/"),
        ("addons/excise/ledger/hot.py", "from mitmproxy import http\n", "imports mitmproxy"),
        ("addons/excise/stages/utils.py", "", "the name does not say"),
        ("addons/excise/stages/send.py", "\n" * 401, "401 lines"),
        ("addons/excise/wire/chat.py", "\n" * 701, "701 lines"),
        ("addons/types.py", "", "named like a standard module"),
        ("docs/setup.md", "cd /" + "root/excise\n", "docs/setup.md:1: a path of somebody's machine"),
    ],
)
def test_each_fault_is_found(tmp_path, name, text, said):
    """
    Every rule has one example that breaks it.
    """
    found = faults(tree(tmp_path, name, text))

    assert len(found) == 1 and said in found[0], found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("addons/excise/wire/sse.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pathlib import Path\n"),
        ("addons/excise/wire/chat.py", "from excise.wire.sse import cut\n" * 700),
        ("addons/excise/policy/load.py", "from pathlib import Path\n"),
        ("addons/excise/proxy/gateway.py", "from mitmproxy import http\nfrom excise.stages import send\n"),
        ("addons/intercept.py", "from mitmproxy import http\nfrom excise.proxy import gateway\n"),
        ("addons/excise/cli/up.py", "from excise.proxy import worker\n"),
        ("docs/image.bin", "see https://example.com/work/list\n"),
    ],
)
def test_what_is_allowed_passes(tmp_path, name, text):
    """
    Types, edges, the top of the tree, and the one entry for a stock mitmproxy.
    """
    assert faults(tree(tmp_path, name, text)) == []
