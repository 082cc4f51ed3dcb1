# Sourced by the others: goes to the repository's root and makes .venv what uv.lock says, if it is not so already.
# Needs some Python (3.8 or later) or a uv. EXCISE_PYTHON names the interpreter to use, EXCISE_INSTALLER=pip does without uv.
set -eu
cd "$(dirname "$0")/.."

# Prints a Python we run on; nothing where there is none, for uv can fetch one.
find_python() {
    for one in "${EXCISE_PYTHON:-}" python3.13 python3.12 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
        if [ -n "$one" ] && "$one" -c 'import sys, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then
            command -v "$one" && return
        fi
    done
}

# Puts the uv we know, by hash, into .uv. Debian's python3 may come without venv, but its pip can fill a folder.
fetch_uv() {
    for one in python3 "$(find_python)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3; do
        { [ -n "$one" ] && "$one" -m venv .uv && .uv/bin/python -m pip install --require-hashes -r scripts/uv.lock ||
            "$one" -m pip install --require-hashes --target .uv -r scripts/uv.lock; } >/dev/null 2>&1 || continue
        echo '*' >.uv/.gitignore
        return
    done
}

# Runs the first uv that can do it: one that is here, else the one we know.
with_uv() {
    for uv in uv "$HOME/.local/bin/uv" .uv/bin/uv; do
        [ "$uv" != .uv/bin/uv ] || [ -x "$uv" ] || fetch_uv
        if command -v "$uv" >/dev/null && UV_PROJECT_ENVIRONMENT=.venv "$uv" "$@"; then return; fi
    done
    return 1
}

install() {
    python=$(find_python)
    if [ "${EXCISE_INSTALLER:-uv}" = uv ] && with_uv sync --quiet --frozen ${python:+--python "$python"}; then return; fi
    [ -n "$python" ] || { echo "excise: needs Python 3.12 or later, or a network to fetch one from" >&2 && exit 1; }
    # mitmproxy and pydantic disagree about typing-extensions on 3.12 in words only: the lock is complete, so nothing is resolved.
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
    .venv/bin/python -m pip install --quiet --no-deps --editable .
}

# Bytecode of what runs, also where PYTHONDONTWRITEBYTECODE is set (images do so): compiling takes two thirds of a start, and of each
# restart of a worker. Workers run with -O, which has bytecode of its own.
compile() {
    PYTHONDONTWRITEBYTECODE='' .venv/bin/python -c 'import excise.supervise.supervisor, excise.supervise.prepare
from excise.cli.application import build; build()'
    PYTHONDONTWRITEBYTECODE='' .venv/bin/python -O -c 'import excise.proxy.worker, excise.ledger.process'
}

stamp="$PWD $(cat uv.lock requirements.lock pyproject.toml | cksum)"
ready() { [ -x .venv/bin/python ] && [ "$(cat .venv/stamp 2>/dev/null)" = "$stamp" ]; }
if ! ready; then
    exec 9<pyproject.toml # `scripts/up` and `scripts/test` may be started at once
    if command -v flock >/dev/null; then flock 9; fi
    if ! ready; then
        echo "excise: preparing .venv" >&2
        install
        compile
        echo "$stamp" >.venv/stamp
    fi
    exec 9<&-
fi
