"""
Put a command in this process's place, with proxy and trust set.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from excise.clients.environment import additions
from excise.clients.ready import default_data, require_alive
from excise.clients.request import credentialed, find_target, refuse_exempting_all

# What a shell answers for a command it cannot start.
_NOT_EXECUTABLE = 126
_NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class Launch:
    """
    What `excise run` was asked for; `None` is "not said".
    """

    command: list[str]
    data: str | None = None
    proxy: str | None = None
    trust: str | None = None
    app: str | None = None
    key: str | None = None


OPTIONS = ("data", "proxy", "trust", "app", "key")  # every option of `excise run`; each takes one value


def plain(arguments: list[str]) -> Launch | None:
    """
    Read `[--option VALUE]… [--] CMD…`. `None` for anything else: then the command line's library has better words for it.
    """
    given: dict[str, str] = {}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            return Launch([argument, *rest], **given)
        if argument == "--":
            command = list(rest)
            return Launch(command, **given) if command else None
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or name not in OPTIONS:
            return None
        given[name] = value if equals else next(rest, "")
    return None


def launch(request: Launch) -> NoReturn:
    """
    Become the command: signals, exit status, terminal and pipes are its own.

    Raises:
        SettingsError: No proxy runs where it should, or what it needs is not there.
    """
    data = Path(request.data) if request.data else default_data()
    target = find_target(data, request.proxy, Path(request.trust) if request.trust else None)
    require_alive(target.proxy_url)
    refuse_exempting_all(os.environ)
    environment = dict(os.environ)
    environment |= additions(credentialed(target.proxy_url, request.app, request.key), target.trust, environment)
    # Python ignores SIGPIPE and SIGXFSZ, and what is ignored stays so across exec: `yes | head` would never end.
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored, signal.SIG_DFL)
    program = request.command[0]
    try:
        os.execvpe(program, request.command, environment)  # noqa: S606 - running the user's command is the purpose
    except FileNotFoundError:
        sys.stderr.write(f"excise: {program}: command not found\n")
        sys.exit(_NOT_FOUND)
    except OSError as error:
        sys.stderr.write(f"excise: {program}: {error.strerror}\n")
        sys.exit(_NOT_EXECUTABLE)
