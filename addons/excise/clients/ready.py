"""
The running proxy, as `excise up` describes it in `DATA/ready.json`.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from excise.clients.environment import Trust
from excise.errors import SettingsError

_CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Ready:
    """
    What a client needs of `ready.json`. `ledger_pid` and `ledger` are for `excise doctor`.
    """

    proxy_url: str
    trust: Trust
    ledger: Path
    ledger_pid: int | None


def default_data() -> Path:
    """
    `EXCISE_DATA`, or `data` where we stand. Not read through `Settings`: that costs `excise run` a tenth of a second.
    """
    return Path(os.environ.get("EXCISE_DATA") or "data")


def read_ready(data: Path) -> Ready:
    """
    Raises:
        SettingsError: There is no `ready.json`, or it is not one.
    """
    path = data / "ready.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        truststore = content["truststore"]
        trust = Trust(Path(content["ca"]), Path(content["bundle"]), Path(truststore) if truststore else None)
        pid = content["pids"].get("ledger")
        return Ready(str(content["proxy_url"]), trust, Path(content["ledger"]), pid if isinstance(pid, int) else None)
    except FileNotFoundError:
        raise SettingsError(f"no proxy runs from {data.absolute()}: start one with `excise up`, or name its folder with --data") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); --data names the folder `excise up` uses") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path}: not what `excise up` writes; start it again") from error


def proxy_address(url: str) -> tuple[str, int]:
    """
    Host and port of a proxy URL.

    Raises:
        SettingsError: It is no `http://HOST:PORT`.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        # The text is not repeated: it may hold a key.
        raise SettingsError("the proxy's URL must be http://HOST:PORT, for example http://127.0.0.1:8080")
    return host, port or (443 if parts.scheme == "https" else 80)


def require_alive(url: str) -> None:
    """
    Connect to the proxy once. Without it every call of the child would fail, each in the words of its own library.

    Raises:
        SettingsError: Nothing listens there.
    """
    host, port = proxy_address(url)
    try:
        socket.create_connection((host, port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or "no answer"
        raise SettingsError(f"no proxy answers at {host}:{port} ({reason}): start it with `excise up`") from error
