"""
What only one `excise up` may have: its data directory and its port.
"""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from excise.errors import SettingsError
from excise.supervise.settings import Settings


def hold_lock(path: Path) -> int:
    """
    Take the data directory for this process; the descriptor is the lock.

    Raises:
        SettingsError: Another `excise up` has it, or nothing can be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"--data {path.parent}: {(error.strerror or 'cannot be used').lower()}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise SettingsError(f"another excise runs on {path.parent}; stop it, or give this one its own --data DIR") from error
    return fd


def hold_port(settings: Settings) -> tuple[socket.socket, Settings]:
    """
    Reserve the port for the workers (port 0: choose one) and say which it is. The socket never listens, so it takes no connection.

    Raises:
        SettingsError: The address cannot be bound, or somebody else listens there.
    """
    host, port = settings.listen
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        # First without sharing: another program's port must not be joined by accident.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        port = sock.getsockname()[1]
        sock.close()
        sock = socket.socket(sock.family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise SettingsError(
            f"--listen {host}:{port}: cannot be bound ({error.strerror}); choose another with --listen HOST:PORT"
        ) from error
    return sock, settings.model_copy(update={"listen": (host, port)})
