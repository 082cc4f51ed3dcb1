"""
What `excise run`, `excise env` and `excise doctor` were asked for: which proxy, whose credentials, which trust.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from excise.clients.environment import Trust, with_credentials
from excise.clients.ready import proxy_address, read_ready
from excise.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Target:
    """
    The proxy a program shall use, without credentials, and the files it shall trust.
    """

    proxy_url: str
    trust: Trust


def find_target(data: Path, proxy: str | None, trust: Path | None) -> Target:
    """
    The running proxy of `data`, unless `proxy` or `trust` (a folder with `excise-ca.pem` and `bundle.pem`) say otherwise. With
    both, no proxy need run here.

    Raises:
        SettingsError: What is needed is not there.
    """
    if proxy is not None:
        proxy_address(proxy)
    if proxy is not None and trust is not None:
        return Target(proxy, _trust_in(trust))
    ready = read_ready(data)
    return Target(proxy or ready.proxy_url, _checked(ready.trust) if trust is None else _trust_in(trust))


def _trust_in(folder: Path) -> Trust:
    folder = folder.absolute()
    truststore = folder / "truststore.p12"
    return _checked(Trust(folder / "excise-ca.pem", folder / "bundle.pem", truststore if truststore.exists() else None))


def _checked(trust: Trust) -> Trust:
    for path in (trust.ca, trust.bundle):
        if not path.is_file():
            # A program told to trust a file that is not there trusts nobody at all, and says so in its own words.
            raise SettingsError(f"{path}: not there; `excise up` writes it")
    return trust


def refuse_exempting_all(present: Mapping[str, str]) -> None:
    """
    Raises:
        SettingsError: `NO_PROXY` holds `*`, so that nothing would come to the proxy. Single providers in it are the doctor's to find:
            that takes the catalogue, which is too slow to load before every command.
    """
    for name in ("NO_PROXY", "no_proxy"):
        if "*" in (part.strip() for part in present.get(name, "").split(",")):
            raise SettingsError(f"{name} is `*`, so nothing would come to the proxy: unset it, or name the hosts that shall go past")


def read_key(variable: str, present: Mapping[str, str]) -> str:
    """
    The key named on the command line. Never the key itself: command lines can be read by every user of the machine.

    Raises:
        SettingsError: The variable is not set.
    """
    key = present.get(variable)
    if not key:
        # The text is not repeated: it is the key itself where somebody took the option for that.
        raise SettingsError("--key names the environment variable that holds the key, and no variable of that name is set")
    return key


def credentialed(proxy_url: str, app: str | None, key: str | None) -> str:
    """
    The proxy's URL for `app`, with the key in the variable `key`.

    Raises:
        SettingsError: One without the other, or the variable is not set.
    """
    if app is None and key is None:
        return proxy_url
    if app is None or key is None:
        raise SettingsError("--app and --key belong together: the application's name, and the variable that holds its key")
    return with_credentials(proxy_url, app, read_key(key, os.environ))
