"""
The stand-in and the running proxy, once for a session; the two ways between a client and a provider.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.proxy import Proxy, running_proxy
from e2e.ways import Way
from excise.standin import StandIn, running

if TYPE_CHECKING:
    from _pytest.fixtures import SubRequest


@pytest.fixture(scope="session")
def standin() -> Iterator[StandIn]:
    """
    A stand-in shared by every test that leaves it as it found it.
    """
    with running() as started:
        yield started


@pytest.fixture(scope="session")
def proxy(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy with the shipped policy, shared by every test that only sends calls through it.
    """
    with running_proxy(tmp_path_factory.mktemp("shared"), standin) as started:
        yield started


@pytest.fixture(scope="session")
def own_standin() -> Iterator[StandIn]:
    """
    A stand-in for the tests that count everything it saw.
    """
    with running() as started:
        yield started


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """
    An empty folder for one proxy of one's own.
    """
    return tmp_path


@pytest.fixture(params=["direct", "proxied"])
def way(request: SubRequest, standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Way:
    """
    A client's surroundings, straight to the stand-in or through the proxy.
    """
    chosen = Way(standin, request.getfixturevalue("proxy") if request.param == "proxied" else None)
    chosen.enter(monkeypatch)
    return chosen
